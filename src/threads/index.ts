// Several threads for one model, as a value of the option `threads`: everything a program imports from `lanegrad/threads`.
export { workers } from '../runtime/workers.ts'
