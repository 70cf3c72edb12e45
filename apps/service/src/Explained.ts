/** What the parts below fail with, as the end of a command. */
import type { DatabaseError } from "@piecework/database/DatabaseError"
import type { FileHashError } from "@piecework/hashing/FileHasher"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Layer, type Scope } from "effect"
import { exitCodes } from "./ExitCode.ts"

export const ofDatabase = (error: DatabaseError): Failure =>
  new Failure({ sentence: error.message, code: error.reason === "DiskFull" ? exitCodes.diskFull : exitCodes.storage })

export const ofFile = (error: FileHashError): Failure => new Failure({ sentence: error.message, code: exitCodes.file })

/** A layer whose trouble is told in words. */
export const explained = <A, E, R>(
  self: Layer.Layer<A, E, R>,
  inWords: (error: E) => Failure
): Layer.Layer<A, Failure, Exclude<R, Scope.Scope>> => Layer.effectContext(Effect.mapError(Layer.build(self), inWords))
