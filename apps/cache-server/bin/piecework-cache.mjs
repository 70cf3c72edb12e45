#!/usr/bin/env node
import { launch } from "@piecework/launch"

launch("piecework-cache", import.meta.url)
