// Relaxed arithmetic as a value of the option `numerics`: everything a program imports from `lanegrad/relaxed`.
export { relaxed } from '../runtime/relaxed.ts'
