import type { Script } from './functions.mjs'
export function ordered(script: Script): Script
