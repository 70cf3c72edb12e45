/**
 * The looks of all pages. The variables of the theme go into a style sheet that is made by script: the page's policy forbids `<style>`
 * elements, which the library would use. Colours are chosen for a contrast of 4.5 to 1 for text, and 3 to 1 for what else must be seen.
 */
import {
  convertCssVariables,
  createTheme,
  type CSSVariablesResolver,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  mergeMantineTheme,
  Modal,
  Popover,
  Tooltip
} from "@mantine/core"

export const theme = createTheme({
  primaryColor: "cyan",
  primaryShade: 9,
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  headings: { fontWeight: "650" },
  components: {
    // Locking the page's scrolling would take a <style> element.
    Modal: Modal.extend({ defaultProps: { lockScroll: false, centered: true } }),
    Popover: Popover.extend({ defaultProps: { shadow: "md" } }),
    Tooltip: Tooltip.extend({ defaultProps: { events: { hover: true, focus: true, touch: true }, multiline: true } })
  }
})

const contrast: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "var(--mantine-color-gray-7)",
    "--mantine-color-placeholder": "var(--mantine-color-gray-7)",
    "--mantine-color-error": "var(--mantine-color-red-9)",
    // On the light shades behind alerts.
    "--mantine-color-yellow-light-color": "#7a4500",
    "--mantine-color-red-light-color": "#a61e1e",
    "--mantine-color-green-light-color": "#1a6b2c"
  },
  dark: {
    "--mantine-color-dimmed": "var(--mantine-color-dark-1)",
    "--mantine-color-placeholder": "var(--mantine-color-dark-1)",
    // Behind alerts: a breath of the colour, that of the library is the whole of it.
    "--mantine-color-yellow-light": "rgb(255 212 59 / 10%)",
    "--mantine-color-yellow-light-color": "var(--mantine-color-yellow-4)",
    "--mantine-color-red-light": "rgb(255 107 107 / 12%)",
    "--mantine-color-red-light-color": "var(--mantine-color-red-3)",
    "--mantine-color-error": "var(--mantine-color-red-4)"
  }
})

/** Once, before anything is shown. */
export const adopt = (): void => {
  const usual = defaultCssVariablesResolver(mergeMantineTheme(DEFAULT_THEME, theme))
  const ours = contrast(DEFAULT_THEME)
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(
    convertCssVariables(
      { variables: usual.variables, light: { ...usual.light, ...ours.light }, dark: { ...usual.dark, ...ours.dark } },
      ":root"
    )
  )
  document.adoptedStyleSheets.push(sheet)
}
