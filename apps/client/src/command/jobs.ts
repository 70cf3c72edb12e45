/** `piecework jobs`: the jobs of the running agent. */
import * as Ending from "@piecework/terminal/Ending"
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import * as anAgent from "./anAgent.ts"
import type { Action } from "./jobsActions.ts"
import * as options from "./options.ts"

const common = { ...anAgent.flags, json: options.json }

const id = Argument.String("job").pipe(
  Argument.withDescription("id of a job, or as much of its beginning as only it has")
)

/** What they do takes the socket's client, which other commands start without. */
const actions = Effect.promise(() => import("./jobsActions.ts"))

const list = Command.make(
  "list",
  common,
  Effect.fn("jobs.list")(function* (input) {
    yield* Ending.forPrograms(input.json)
    yield* (yield* actions).list(input)
  })
).pipe(Command.withDescription("Show the jobs that programs gave it, in the order in which they came"))

const show = Command.make(
  "show",
  { id, ...common },
  Effect.fn("jobs.show")(function* (input) {
    yield* Ending.forPrograms(input.json)
    yield* (yield* actions).show(input)
  })
).pipe(Command.withDescription("Show one job: how far it is, where its bytes come from, what is wrong with it"))

const watch = Command.make(
  "watch",
  { id, ...common },
  Effect.fn("jobs.watch")(function* (input) {
    yield* Ending.forPrograms(input.json)
    yield* (yield* actions).watch(input)
  })
).pipe(
  Command.withDescription(
    "Show how a job goes until its file is there or it is no more; with --json a line for each look"
  )
)

const act = (name: Action, description: string) =>
  Command.make(
    name,
    { id, ...common },
    Effect.fn(`jobs.${name}`)(function* (input) {
      yield* Ending.forPrograms(input.json)
      yield* (yield* actions).act(name, input)
    })
  ).pipe(Command.withDescription(description))

export const jobs = Command.make("jobs").pipe(
  Command.withDescription("What programs have the running agent download"),
  Command.withSubcommands([
    list,
    show,
    watch,
    act("pause", "Let a job rest until it is resumed"),
    act("resume", "Start a job, or let one go on that is paused"),
    act("finalize", "Take a job from the list whose file is there; the file stays"),
    act("abort", "Take a job from the list; its file goes, if the job made it")
  ])
)
