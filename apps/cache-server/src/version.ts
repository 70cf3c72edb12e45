/** The version of this software, as it is told to the service and printed. */
export const version = "0.1.0"
