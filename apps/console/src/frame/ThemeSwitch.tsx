/** Light, dark, or as the system has it; kept in the browser. */
import { ActionIcon, Tooltip, useMantineColorScheme } from "@mantine/core"
import { IconDeviceDesktop, IconMoon, IconSun } from "@tabler/icons-react"

const next = { auto: "light", light: "dark", dark: "auto" } as const
const looks = {
  auto: { icon: IconDeviceDesktop, label: "Colours: as the system" },
  light: { icon: IconSun, label: "Colours: light" },
  dark: { icon: IconMoon, label: "Colours: dark" }
} as const

export const ThemeSwitch = () => {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { icon: Icon, label } = looks[colorScheme]
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={`${label}; change`}
        onClick={() => setColorScheme(next[colorScheme])}
      >
        <Icon size={20} aria-hidden />
      </ActionIcon>
    </Tooltip>
  )
}
