#!/usr/bin/env node
import { launch } from "../../launch.mjs"

launch("piecework", import.meta.url)
