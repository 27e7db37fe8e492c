// Frozen trainers at run time: everything a program imports from `lanegrad/run`. It carries no planner, no layer and no loss.
export type { ClassWeight } from '../feed/class-weight.ts'
export { LanegradError } from '../numerics/lanegrad-error.ts'
export { fit, type TrainerFitOptions } from './fit.ts'
export { type OpenOptions, open } from './open.ts'
export { sampleWeights } from './sample-weights.ts'
export { Trainer, type TrainerOptions } from './trainer.ts'
