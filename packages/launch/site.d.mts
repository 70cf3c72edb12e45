/** The files that the page at that path needs, by their names in its folder. */
export const filesOf: (page: string) => Promise<ReadonlyArray<string>>
