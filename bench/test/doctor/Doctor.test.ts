/** `piecework doctor` in devices with one thing broken at a time: it names the right one, and nothing else. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { Meter } from "../../src/Meter.ts"
import * as Namespaces from "../../src/site/Namespaces.ts"
import * as Ward from "./Ward.ts"

const { addresses, ports, services } = Ward
const strangers = (port: number, scheme = "http") => `${scheme}://${addresses.strangers}:${port}`
const credential = JSON.stringify({
  service: `http://${addresses.service}:${services.whole}`,
  device: "lab-17",
  credential: `pwd_${"A".repeat(43)}`
})
const month = `${new Date().getFullYear()}-${String(new Date().getMonth() + 1).padStart(2, "0")}`
const drop = (firewall: "nft" | "iptables", protocol: "tcp" | "udp", port: number): ReadonlyArray<string> =>
  firewall === "nft"
    ? [
        "nft add table ip ward",
        "nft 'add chain ip ward in { type filter hook input priority 0 ; }'",
        `nft add rule ip ward in ${protocol} dport ${port} drop`
      ]
    : [`iptables -A INPUT -p ${protocol} --dport ${port} -j DROP`]

const faults = (firewall: "nft" | "iptables", ca: string): ReadonlyArray<Ward.Fault> => [
  { name: "nothing", expected: {} },
  { name: "the port is blocked by a firewall", expected: { reach: "Fail" }, network: drop(firewall, "tcp", 7680) },
  { name: "another program has the port", expected: { port: "Fail" }, beside: "Squatter" },
  { name: "DNS does not know the service", expected: { names: "Fail" }, service: "http://service.example:7670" },
  { name: "the service is down", expected: { service: "Fail" }, service: ports.nobody },
  { name: "the Array is down", expected: { array: "Fail" }, service: services.partly },
  { name: "a captive portal answers", expected: { service: "Fail" }, service: strangers(ports.portal) },
  { name: "a captive portal leads away", expected: { service: "Fail" }, service: strangers(ports.leading) },
  { name: "the clock is off", expected: { clock: "Fail" }, service: strangers(ports.late) },
  {
    name: "the clock is so far off that the certificate seems to have expired",
    expected: { clock: "Fail" },
    service: strangers(ports.early, "https"),
    more: ["--service-ca", ca, ...Ward.url(ports.origin)]
  },
  {
    name: "the certificate is by an authority that is not known",
    expected: { tls: "Fail" },
    service: strangers(ports.stranger, "https")
  },
  {
    name: "the certificate has expired",
    expected: { tls: "Fail" },
    service: strangers(ports.expired, "https"),
    more: ["--service-ca", ca, ...Ward.url(ports.origin)]
  },
  {
    name: "the certificate is for another name",
    expected: { tls: "Fail" },
    service: strangers(ports.otherName, "https"),
    more: ["--service-ca", ca, ...Ward.url(ports.origin)]
  },
  { name: "enrolment is wanted", expected: { enrolment: "Fail" }, service: services.enrolling },
  {
    name: "the credential is not accepted any more",
    expected: { enrolment: "Fail" },
    state: { [`enrolments/${encodeURIComponent(`http://${addresses.service}:${services.whole}`)}.json`]: credential }
  },
  {
    name: "a proxy hides the address",
    expected: { "external-ip": "Warn" },
    env: { http_proxy: strangers(ports.proxy) }
  },
  {
    name: "a proxy strips ranges",
    expected: { ranges: "Fail" },
    env: { http_proxy: strangers(ports.stripping), no_proxy: addresses.service }
  },
  { name: "the origin has no ranges", expected: { ranges: "Fail" }, more: Ward.url(ports.whole) },
  {
    name: "the cache server is down",
    expected: { "cache-hosts": "Fail" },
    policy: { DOCacheHost: `${addresses.strangers}:${ports.nobody}` }
  },
  {
    name: "the cache server refuses the origin",
    expected: { "cache-origin": "Fail" },
    policy: { DOCacheHost: `${addresses.strangers}:${ports.cache}` }
  },
  { name: "multicast is blocked", expected: { multicast: "Warn" }, network: drop(firewall, "udp", 5353) },
  {
    name: "multicast is blocked, and there is nothing else",
    expected: { multicast: "Fail", service: "Warn" },
    network: drop(firewall, "udp", 5353),
    service: "None"
  },
  { name: "more memory is asked for", expected: { memory: "Fail" }, policy: { DOMinRAMAllowedToPeer: 100_000 } },
  {
    name: "a larger disk is asked for",
    expected: { "disk-size": "Fail" },
    policy: { DOMinDiskSizeAllowedToPeer: 100_000 }
  },
  { name: "the device is on battery", expected: { battery: "Warn" }, env: { PIECEWORK_HOST_ROOT: "battery" } },
  {
    name: "a VPN is up",
    expected: { vpn: "Warn" },
    network: [
      "ip link add corp-vpn0 type veth peer name corp-vpn1",
      "ip addr add 10.99.0.1/24 dev corp-vpn0",
      "ip link set corp-vpn0 up",
      "ip link set corp-vpn1 up"
    ]
  },
  {
    name: "the month's upload is used up",
    expected: { "monthly-cap": "Warn" },
    policy: { DODownloadMode: 3, DOMonthlyUploadDataCap: 1 },
    state: { [`months/${month}.log`]: "ui=2000000000;\n" }
  },
  { name: "all downloads are refused", expected: { mode: "Fail" }, policy: { DODownloadMode: 100 } },
  { name: "the mode has no peers", expected: { mode: "Fail" }, policy: { DODownloadMode: 0 } },
  { name: "nothing names the group", expected: { group: "Fail" }, policy: { DODownloadMode: 2 } },
  {
    name: "two sources name different groups",
    expected: { group: "Warn" },
    policy: { DODownloadMode: 2, DOGroupId: "6f9619ff-8b86-d011-b42d-00c04fc964ff" },
    env: { PIECEWORK_DOGROUPID: "11111111-8b86-d011-b42d-00c04fc964ff" }
  },
  {
    name: "the policy file is no JSON",
    expected: { "policy-files": "Fail" },
    policyText: '{ "DODownloadMode": ',
    env: { PIECEWORK_DOMINRAMALLOWEDTOPEER: "1", PIECEWORK_DOMINDISKSIZEALLOWEDTOPEER: "1" }
  },
  { name: "a value is out of range", expected: { "policy-values": "Warn" }, policy: { DOMaxCacheSize: 120 } },
  {
    name: "a limit of rate lets nothing through",
    expected: { rates: "Warn" },
    policy: { DOMaxForegroundDownloadBandwidth: 1 }
  },
  {
    name: "HTTP is held back for hours",
    expected: { delays: "Warn" },
    policy: { DODelayForegroundDownloadFromHttp: 90_000 }
  },
  {
    name: "the disk of the cache is full",
    expected: { "free-space": "Fail" },
    policy: { DOMinDiskSizeAllowedToPeer: 1 },
    env: { PIECEWORK_HOST_ROOT: "/" },
    before: 'mount -t tmpfs -o size=2g tmpfs "$STATE/cache" && fallocate -l 2g "$STATE/cache/file"'
  },
  {
    name: "no more files can be made",
    expected: { inodes: "Warn" },
    before: 'mount -t tmpfs -o size=2g,nr_inodes=100 tmpfs "$STATE/cache"'
  },
  {
    name: "the cache folder can only be read",
    expected: { "cache-folder": "Fail" },
    before: 'mount -t tmpfs -o size=2g,ro tmpfs "$STATE/cache"'
  },
  {
    name: "the state folder can only be read",
    expected: { "state-folder": "Fail" },
    before: 'mount -t tmpfs -o size=2g,ro tmpfs "$STATE"'
  },
  {
    name: "the folder of the cache is not there",
    expected: { "cache-folder": "Fail" },
    policy: { DOModifyCacheDrive: "/nonexistent/cache" }
  },
  {
    name: "a file of the state folder is damaged",
    expected: { "state-files": "Warn" },
    state: { device: "\u0000\u0000" }
  },
  { name: "few files may be open", expected: { "open-files": "Warn" }, before: "ulimit -n 256" }
]

/** What did not pass, and whether something is to be done. */
const troubles = ({ checks }: Ward.Visit): Readonly<Record<string, string>> =>
  Object.fromEntries(
    checks.filter(({ outcome }) => outcome === "Fail" || outcome === "Warn").map(({ id, outcome }) => [id, outcome])
  )

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })(
  "piecework doctor, where there are root and iproute2,",
  (it) => {
    it.effect(
      "names what is broken and nothing else, and says that nothing fails where nothing does",
      (context) =>
        Effect.gen(function* () {
          const means = yield* Effect.result(Namespaces.means)
          if (Result.isFailure(means)) return context.skip()
          const { firewall } = means.success
          const many = faults(firewall, "").length + 1
          const { ca, visit } = yield* Ward.open(many)
          const all = faults(firewall, ca)
          const isRight = (fault: Ward.Fault, seen: Ward.Visit) =>
            JSON.stringify(sorted(troubles(seen))) === JSON.stringify(sorted({ agent: "Warn", ...fault.expected }))
          // On a machine that is busy enough something may take longer than the doctor has time.
          const examined = Effect.fnUntraced(function* (fault: Ward.Fault, n: number) {
            const { again, first } = yield* visit(fault, n)
            let seen = first
            for (let i = 1; i < mostVisits && !isRight(fault, seen); i++) seen = yield* again
            return { fault, seen }
          })
          const seen = yield* Effect.forEach(all, examined, { concurrency: 4 })
          const wrong = seen
            .filter(({ fault, seen: one }) => !isRight(fault, one))
            .map(({ fault, seen: one }) => `${fault.name}: ${JSON.stringify(troubles(one))} ${one.verdict}`)
          assert.deepStrictEqual(wrong, [])
          for (const { fault, seen: one } of seen) {
            const isSound = !Object.values(fault.expected).includes("Fail")
            assert.strictEqual(one.exitCode, isSound ? 0 : 16, fault.name)
            for (const { hint, outcome } of one.checks) {
              assert.strictEqual(hint !== "", outcome === "Fail" || outcome === "Warn", fault.name)
            }
          }

          const healthy = yield* visit({ name: "an agent that serves", expected: {}, beside: "Agent" }, all.length)
          assert.deepStrictEqual(troubles(healthy.first), {}, healthy.first.verdict)
          const passes = new Set(healthy.first.checks.filter(({ outcome }) => outcome === "Pass").map(({ id }) => id))
          for (const id of [
            "agent",
            "port",
            "reach",
            "service",
            "array",
            "multicast",
            "ranges",
            "external-ip"
          ] as const) {
            assert.isTrue(passes.has(id), id)
          }
          process.kill(healthy.pid ?? 0, "SIGSTOP")
          const stopped = yield* Effect.ensuring(
            healthy.again,
            Effect.sync(() => process.kill(healthy.pid ?? 0, "SIGCONT"))
          )
          assert.deepStrictEqual(troubles(stopped), { agent: "Fail" })
        }),
      300_000
    )
  }
)

/** A third time nothing is late. */
const mostVisits = 3

const sorted = (record: Readonly<Record<string, string>>) =>
  Object.entries(record).toSorted(([a], [b]) => a.localeCompare(b))
