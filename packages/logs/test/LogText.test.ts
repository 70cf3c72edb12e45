import { assert, describe, it } from "@effect/vitest"
import { LogEntry, LogText } from "@piecework/logs"

const entry: LogEntry.LogEntry = {
  TimeCreated: "2026-01-31T08:00:00.123Z",
  ProcessId: 12,
  ThreadId: 0,
  Level: 3,
  LevelName: "Warning",
  Message: "A peer\u001b[2J\nlied.\u202e",
  Function: "Room.work",
  LineNumber: 3,
  ErrorCode: "PeerError.Protocol",
  Program: "agent",
  Annotations: { peer: "p q", event: "x", none: "", bytes: { Lan: 3, Group: 0 }, list: [1, "a"] }
}

describe("LogText", () => {
  it("writes an entry in one line, with nothing that a terminal would obey", () => {
    const text = LogText.render(entry, { colours: false })
    assert.match(
      text,
      /^\d{4}-\d\d-\d\d \d\d:\d\d:00\.123 Warning {2}agent\[12\] Room\.work PeerError\.Protocol A peer/
    )
    assert.notMatch(text, /[\p{Cc}\u202e]/u)
    assert.include(text, '(peer p q, bytes [Lan 3], list [1,"a"])')
    assert.include(LogText.render(entry, { colours: true }), "\u001b[33mWarning \u001b[0m")
  })

  it("writes it in logfmt, a name for each value", () => {
    const text = LogText.logfmt({ ...entry, Message: "lied", Annotations: { peer: "p q", 'a="b': 1, empty: "" } })
    assert.strictEqual(
      text,
      'timestamp=2026-01-31T08:00:00.123Z level=WARN process=12 message=lied function=Room.work line=3 code=PeerError.Protocol peer="p q" a__b=1 empty=""'
    )
  })
})

describe("LogEntry", () => {
  it("is the same after it was written and read", () => {
    assert.deepStrictEqual(LogEntry.decode(LogEntry.encode(entry)), entry)
  })

  it("is cut where it is longer than a line may be", () => {
    for (const long of [
      { ...entry, Cause: "c".repeat(20_000) },
      { ...entry, Annotations: { all: "a".repeat(20_000) } },
      { ...entry, Message: "m".repeat(20_000) }
    ]) {
      const line = LogEntry.encode(long)
      assert.isAtMost(line.length, LogEntry.maxLine)
      assert.strictEqual(LogEntry.decode(line)?.Program, "agent")
    }
  })

  it("is nothing else than what has all its fields", () => {
    for (const name of Object.keys(entry).filter((key) => key !== "LevelName")) {
      const { [name as keyof LogEntry.LogEntry]: _, ...rest } = entry
      assert.isUndefined(LogEntry.decode(JSON.stringify(rest)), name)
      assert.isUndefined(LogEntry.decode(JSON.stringify({ ...entry, [name]: [] })), name)
    }
    for (const text of ["", "null", "[]", "{", '"x"', "1"]) assert.isUndefined(LogEntry.decode(text))
  })
})
