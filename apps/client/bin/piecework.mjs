#!/usr/bin/env node
import { launch } from "@piecework/launch"

launch("piecework", import.meta.url)
