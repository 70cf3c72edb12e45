import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Usage from "../src/Usage.ts"

describe("Usage", () => {
  it("reads what time wrote, past its complaint about the exit code", () => {
    const expected = Option.some({ cpuSeconds: 1.75, peakRssBytes: 20_480_000 })
    assert.deepStrictEqual(Usage.fromTime("1.50 0.25 20000\n"), expected)
    assert.deepStrictEqual(Usage.fromTime("Command exited with non-zero status 3\n1.50 0.25 20000\n"), expected)
  })

  it("reads nothing from a text of another form", () => {
    for (const text of ["", "1.5 0.25", "a b c", "1 2 3 4", "Command exited with non-zero status 3"]) {
      assert.isTrue(Option.isNone(Usage.fromTime(text)), text)
    }
  })

  it("reads the processor time and the peak of a process from /proc, whatever its name", () => {
    // From proc_pid_stat(5): the fields after the name are state, ppid, … and utime, stime as the 14th and 15th.
    const stat = "42 (a) b) c (d) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 7 8 20 0 11 0 100 1000 10"
    const status = "Name:\tnode\nVmPeak:\t  900 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1024 kB\n"
    assert.deepStrictEqual(Usage.fromProc(stat, status), Option.some({ cpuSeconds: 3, peakRssBytes: 2_097_152 }))
  })

  it("reads nothing of a process that is gone", () => {
    assert.isTrue(Option.isNone(Usage.fromProc("", "")))
  })
})
