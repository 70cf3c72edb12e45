/** The end of a command in trouble: one sentence on standard error and an exit code, and nothing else. */
import type { DatabaseError } from "@piecework/database/DatabaseError"
import type { FileHashError } from "@piecework/hashing/FileHasher"
import { Effect, Layer, Runtime, Schema, type Scope } from "effect"
import { exitCodes } from "./ExitCode.ts"

export class Failure extends Schema.TaggedError<Failure>()("Failure", {
  sentence: Schema.String,
  code: Schema.Int
}) {
  override readonly [Runtime.errorExitCode]: number = this.code
  override get message(): string {
    return this.sentence
  }
}

export const ofDatabase = (error: DatabaseError): Failure =>
  new Failure({ sentence: error.message, code: error.reason === "DiskFull" ? exitCodes.diskFull : exitCodes.storage })

export const ofFile = (error: FileHashError): Failure => new Failure({ sentence: error.message, code: exitCodes.file })

/** A layer whose trouble is told in words. */
export const explained = <A, E, R>(
  self: Layer.Layer<A, E, R>,
  inWords: (error: E) => Failure
): Layer.Layer<A, Failure, Exclude<R, Scope.Scope>> => Layer.effectContext(Effect.mapError(Layer.build(self), inWords))
