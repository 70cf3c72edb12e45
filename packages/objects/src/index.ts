export * as ObjectError from "./ObjectError.ts"
export * as ObjectFacts from "./ObjectFacts.ts"
export * as Objects from "./Objects.ts"
export * as StoredObject from "./StoredObject.ts"
