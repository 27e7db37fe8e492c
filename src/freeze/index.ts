// Frozen trainers ahead of time: everything a program imports from `lanegrad/freeze`.
export { coreFor } from './core-for.ts'
export { type FreezeOptions, freeze } from './freeze.ts'
