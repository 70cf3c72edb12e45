/**
 * When an event happened, in the service's own time. The clocks of devices are wrong, some by years, and some on purpose. What can be
 * used of them is how long ago the event was when its batch was sent: both times are of the same clock.
 */

/** Milliseconds after which an event is told no more: it would not be in any report. Source: spec.md §8.3, 28 days. */
export const oldest = 28 * 86_400_000

export interface Times {
  /** When it happened, by the device. */
  readonly time: number
  /** When its batch was sent, by the device. */
  readonly sentAt: number
  /** When the batch came, by the service. */
  readonly receivedAt: number
}

/** Epoch milliseconds, never later than it came; `undefined` when it is too old to count. */
export const momentOf = ({ receivedAt, sentAt, time }: Times): number | undefined => {
  const age = Math.max(0, sentAt - time)
  return age > oldest ? undefined : Math.max(0, receivedAt - age)
}
