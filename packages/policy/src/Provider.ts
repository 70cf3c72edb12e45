/**
 * Who says what a setting is. Those later in the list win: a device's own files win over what the service suggests to all,
 * what somebody says for this one start wins over the device's files, and what the organisation manages wins over
 * everything. Source: spec.md §1 ("a policy beats the user's Settings value"), F003; the numbers are DIAG's there.
 */

/** From the weakest to the strongest. */
export const providers = [
  "Default",
  "KeyValueService",
  "ContentPolicy",
  "MachineFile",
  "Environment",
  "CommandLine",
  "ManagedFile"
] as const

export type Provider = (typeof providers)[number]

/** As Delivery Optimization numbers them. It has no environment and no command line: both are a user's own settings. */
export const numbers: { readonly [P in Provider]: number | undefined } = {
  Default: undefined,
  KeyValueService: 0,
  ContentPolicy: 3,
  MachineFile: 5,
  ManagedFile: 7,
  Environment: 8,
  CommandLine: 8
}

/** For sentences: "the managed policy file". */
export const words: { readonly [P in Provider]: string } = {
  Default: "the default",
  KeyValueService: "the service",
  ContentPolicy: "the content's policy",
  MachineFile: "the policy file",
  Environment: "the environment",
  CommandLine: "the command line",
  ManagedFile: "the managed policy file"
}
