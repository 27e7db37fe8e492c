// What a model runs and where its time goes, to look at: everything a program imports from `lanegrad/inspect`.
export { type Inspection, type InspectOptions, inspect } from '../model/inspect.ts'
export type { InspectedBuffer, InspectedOperation } from '../model/memory-map.ts'
export { type ProfileOptions, type ProfileRow, profile } from '../model/profile.ts'
