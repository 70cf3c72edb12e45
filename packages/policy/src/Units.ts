/** What the settings count in. Microsoft's kilobyte has 1024 bytes: its 2560 KB/s are 2621440 bytes. Source: spec.md §4.3. */

export const kibibyte = 1024
export const mebibyte = 1_048_576
export const gibibyte = 1_073_741_824
