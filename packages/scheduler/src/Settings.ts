/** The scheduler's numbers. Times are milliseconds, rates bytes per millisecond unless a name says otherwise. */

export interface Settings {
  /** Bad pieces in one download after which a source is out. */
  readonly strikes: number
}

export const defaults: Settings = { strikes: 3 }
