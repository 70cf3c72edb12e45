/** `piecework-service node`: the cache servers that the service manages, what they are to do, and how they are doing. */
import { maxRows, type NodeRecord } from "@piecework/cloud/CacheNodeAdminRpcs"
import { NodeChange, NodeName, NodeSettings, type WorkName } from "@piecework/cloud/CacheNode"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Option, Redacted } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as NodeView from "../view/NodeView.ts"
import { printable } from "../view/Printable.ts"
import * as nodes from "./nodes.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"
import * as trusting from "./trusting.ts"

/** Says what became of a node: in JSON, or in one sentence. */
const told = (record: NodeRecord, sentence: string) =>
  Effect.gen(function* () {
    const { json } = yield* serve
    const output = yield* Output
    return yield* json ? output.line(JSON.stringify(NodeView.forPrograms(record))) : output.note(sentence)
  })

const create = Command.make("create", {
  name: nodes.newName,
  ...nodes.settingFlags,
  disabled: Flag.Boolean("disabled").pipe(
    Flag.withDescription("make it, and tell nobody of it until it is enabled"),
    Flag.withDefault(false)
  ),
  ...remote.flags
}).pipe(
  Command.withDescription("Makes a cache node; deployment says what to run on its machine"),
  Command.withHandler(({ disabled, name, service, serviceCa, ...input }) =>
    Effect.gen(function* () {
      const { data } = yield* serve
      const settings = new NodeSettings({
        ranges: [],
        servers: [],
        ...nodes.settingsOf(input),
        name,
        isEnabled: !disabled
      })
      const record = yield* nodes.administer({ service, serviceCa, data }, (client) => client.Create({ settings }))
      yield* told(
        record,
        `Made ${printable(name)}, ${record.id}; piecework-service node deployment says what to run on its machine.`
      )
    })
  )
)

const update = Command.make("update", {
  node: nodes.node,
  name: Flag.String("name").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("what people call it from now on"),
    Flag.filterMap((text) => (nodes.isName(text) ? Option.some(NodeName.make(text)) : Option.none()), nodes.noName),
    Flag.optional
  ),
  ...nodes.settingFlags,
  reset: Flag.Literals("reset", nodes.resettable).pipe(
    Flag.withDescription("what the node's own files, or its heartbeats, say again; may be given several times"),
    Flag.atLeast(0)
  ),
  ...remote.flags
}).pipe(
  Command.withDescription("Says what a cache node is to be other than it is; a list that is given is the whole list"),
  Command.withHandler(({ name, node, reset, service, serviceCa, ...input }) =>
    Effect.gen(function* () {
      const { data } = yield* serve
      const isEmptied = (field: string) => reset.some((one) => one === field)
      const change = new NodeChange({
        set: {
          ...(isEmptied("ranges") ? { ranges: [] } : {}),
          ...(isEmptied("servers") ? { servers: [] } : {}),
          ...nodes.settingsOf(input),
          ...(Option.isNone(name) ? {} : { name: name.value })
        },
        reset: reset.filter((field): field is WorkName => field !== "ranges" && field !== "servers")
      })
      const record = yield* nodes.administerThere({ service, serviceCa, data }, (client) =>
        client.Update({ node, change })
      )
      yield* told(record, `Changed ${printable(record.settings.name)}; the node hears it with its next heartbeat.`)
    })
  )
)

/** A command that switches a node on or off. */
const switching = (verb: string, isEnabled: boolean, description: string, sentence: (name: string) => string) =>
  Command.make(verb, { node: nodes.node, ...remote.flags }).pipe(
    Command.withDescription(description),
    Command.withHandler(({ node, ...where }) =>
      Effect.gen(function* () {
        const { data } = yield* serve
        const change = new NodeChange({ set: { isEnabled }, reset: [] })
        const record = yield* nodes.administerThere({ ...where, data }, (client) => client.Update({ node, change }))
        yield* told(record, sentence(printable(record.settings.name)))
      })
    )
  )

const remove = Command.make("delete", { node: nodes.node, ...remote.flags }).pipe(
  Command.withDescription("Forgets a cache node and its figures, and revokes its machine's credential"),
  Command.withHandler(({ node, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const removed = yield* nodes.administerThere({ ...where, data }, (client) => client.Delete({ node }))
      return yield* json ? output.line(JSON.stringify(removed)) : output.note(`Deleted ${printable(node)}.`)
    })
  )
)

const list = Command.make("list", remote.flags).pipe(
  Command.withDescription("Shows the cache nodes and how they are"),
  Command.withHandler((where) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const found = yield* nodes.administerThere({ ...where, data }, nodes.all)
      if (json) return yield* output.line(JSON.stringify(found.map(NodeView.forPrograms)))
      if (found.length === 0)
        return yield* output.note("There are no cache nodes; see piecework-service node create --help.")
      return yield* output.line(NodeView.table(found, yield* Clock.currentTimeMillis))
    })
  )
)

const show = Command.make("show", { node: nodes.node, ...remote.flags }).pipe(
  Command.withDescription("Shows what is known of a cache node"),
  Command.withHandler(({ node, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const record = yield* nodes.administerThere({ ...where, data }, (client) => client.Show({ node }))
      return yield* output.line(
        json ? JSON.stringify(NodeView.forPrograms(record)) : NodeView.whole(record, yield* Clock.currentTimeMillis)
      )
    })
  )
)

const deployment = Command.make("deployment", {
  node: nodes.node,
  groups: trusting.groups("a group that the node's machine will be in; may be given several times"),
  expires: Flag.Int("expires-days").pipe(
    Flag.withMetavar("DAYS"),
    Flag.withDescription("for how long the token is good; default 7"),
    Flag.filter(
      (n) => n >= 1 && n <= 90,
      (n) => `--expires-days is 1 to 90, but not ${n}`
    ),
    Flag.withDefault(7)
  ),
  ...remote.flags
}).pipe(
  Command.withDescription("Prints what to run on a cache node's machine, with a token that is shown once"),
  Command.withHandler(({ expires, groups, node, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const {
        expiresAt,
        node: record,
        serviceUrl,
        token
      } = yield* nodes.administerThere({ ...where, data }, (client) =>
        client.Deployment({ node, groups, lifetimeSeconds: expires * 86_400 })
      )
      // What is done on this machine does not know by which URL others reach the service.
      const url = Option.isSome(where.service) ? serviceUrl : undefined
      const command = `piecework-cache serve --service ${url ?? "URL"} --token ${Redacted.value(token)}`
      if (json) {
        const said = { node: NodeView.forPrograms(record), token: Redacted.value(token), command }
        const known = url === undefined ? {} : { serviceUrl: url }
        return yield* output.line(JSON.stringify({ ...said, expiresAt: NodeView.timeOf(expiresAt), ...known }))
      }
      const hint = url === undefined ? "; URL is that of the service" : ""
      yield* output.note(
        `On the machine that is to be ${printable(record.settings.name)}, until ${trusting.dayOf(expiresAt)}${hint}. The token is good once, and not shown again.`
      )
      return yield* output.line(command)
    })
  )
)

const metrics = Command.make("metrics", {
  node: nodes.node.pipe(Argument.optional),
  hours: Flag.Int("hours").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("of the last hours, 1 to 720; default 24, and 1 by minute"),
    Flag.filter(
      (n) => n >= 1 && n <= 720,
      (n) => `--hours is 1 to 720, but not ${n}`
    ),
    Flag.optional
  ),
  by: Flag.Literals("by", ["minute", "hour"]).pipe(
    Flag.withDescription("what one line is of; default hour"),
    Flag.withDefault("hour")
  ),
  ...remote.flags
}).pipe(
  Command.withDescription("Shows what a cache node did by hour or minute, or what all of them did together"),
  Command.withHandler(({ by, hours, node, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      if (Option.isNone(node)) {
        const span = Option.getOrElse(hours, () => 24)
        const found = yield* nodes.administerThere({ ...where, data }, (client) => client.Overview({ hours: span }))
        return yield* output.line(json ? JSON.stringify(found) : NodeView.overview(found, span))
      }
      const span = Option.getOrElse(hours, () => (by === "minute" ? 1 : 24))
      const until = yield* Clock.currentTimeMillis
      const asked = { grain: by === "minute" ? "Minute" : "Hour", until, most: maxRows } as const
      const from = Math.max(0, until - span * 3_600_000)
      const rows = yield* nodes.administerThere({ ...where, data }, (client) =>
        nodes.rows(client, { node: node.value, from, ...asked })
      )
      if (json) return yield* output.line(JSON.stringify(rows.map((row) => ({ ...row, at: NodeView.timeOf(row.at) }))))
      if (rows.length === 0) return yield* output.note("It did nothing in that time, or said nothing of it yet.")
      return yield* output.line(NodeView.figures(rows))
    })
  )
)

export const node = Command.make("node").pipe(
  Command.withDescription("Cache nodes: create, deploy, change, look at, delete"),
  Command.withSubcommands([
    create,
    update,
    remove,
    list,
    show,
    deployment,
    switching("enable", true, "Tells devices of a cache node", (name) => `Devices are told of ${name}.`),
    switching(
      "disable",
      false,
      "Tells no device of a cache node, and the node to serve nobody",
      (name) => `No device is told of ${name} any more; it serves nobody from its next heartbeat on.`
    ),
    metrics
  ])
)
