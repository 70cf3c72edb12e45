/** Where an app's bundle begins. */
export declare const entryOf: (folder: string) => string
/** Makes the bundle of the app in the folder; answers its entry. */
export declare const bundle: (folder: string) => Promise<string>
/** Makes what takes long in a library's module when it is used, instead of with each start. */
export declare const lateSegmenter: {
  readonly transform: { readonly handler: (code: string, id: string) => { readonly code: string } }
}
