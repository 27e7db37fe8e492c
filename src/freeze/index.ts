// Frozen trainers ahead of time: everything a program imports from `lanegrad/freeze`.
export { type FreezeOptions, freeze } from './freeze.ts'
