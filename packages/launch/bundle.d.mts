/** Where an app's bundle begins. */
export declare const entryOf: (folder: string) => string
/** Makes the bundle of the app in the folder; answers its entry. */
export declare const bundle: (folder: string) => Promise<string>
