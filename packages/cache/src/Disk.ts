/**
 * How this package keeps files on a disk, for other packages that keep theirs beside them: files that are opened without following a
 * link and closed after their last use, data that is watched for others who write to it, and what of it is believed.
 */
export { Beliefs } from "./internal/Beliefs.ts"
export { type DataFile, openData } from "./internal/DataFile.ts"
export { digestAt } from "./internal/digestAt.ts"
export { type DiskFile, openFile } from "./internal/DiskFile.ts"
export { checkFolder, makeFolder, makeRoot, readSmall, readWhole, removeFolder } from "./internal/folders.ts"
export { failureOf, IoFailure, io, ioCallback, unless } from "./internal/io.ts"
export { deleted, isDeleted } from "./internal/names.ts"
export { bytesOf, statOf } from "./internal/Notes.ts"
export { PieceSet } from "./internal/PieceSet.ts"
export * as UseNote from "./internal/UseNote.ts"
