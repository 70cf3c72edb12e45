/** Numbers as people read them. */
export * from "@piecework/domain/Amount"
