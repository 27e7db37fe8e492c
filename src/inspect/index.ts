// Shows the programs of a model and where their time goes: everything a program imports from `lanegrad/inspect`.
export { type Inspection, type InspectOptions, inspect } from '../model/inspect.ts'
export type { InspectedBuffer, InspectedOperation } from '../model/memory-map.ts'
export { type ProfileOptions, type ProfileRow, profile } from '../model/profile.ts'
