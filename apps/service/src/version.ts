/** The version of this software, as it is printed. */
export const version = "0.1.0"
