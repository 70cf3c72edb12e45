/** Where programs look for the port of the REST interface: the rule that they share with the agent. */
export { type Chosen, compatible, runFolder as of } from "@piecework/client/AgentPlace"
