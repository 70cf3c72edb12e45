#!/usr/bin/env node
import { launch } from "@piecework/launch"

launch("piecework-service", import.meta.url)
