// A program made ready to be fed: its slots in the order of the feeds, and the quick way for a call like the one before. And which
// program answers a call.
import { type Shape, sameShape } from '../numerics/shape.ts'
import type { FloatArray } from '../numerics/tensor.ts'
import type { Batch, Data } from '../rows/rows.ts'
import type { Executable, Slot } from '../runtime/program.ts'
import type { Feeds } from './feeds.ts'
import type { Logs, WithLoss } from './logs.ts'
import type { Mode, Program, Request } from './program.ts'

/** A training step like the one before (repeat.ts), or null if it isn't like that: then nothing has happened. */
interface QuickStep {
  step(x: Data, y: Data): WithLoss<Logs> | null
}

/** A prediction like the one before, or null if it isn't. */
interface QuickPrediction {
  run(x: Data): FloatArray | null
}

/** A program with its slots in the order of the feeds. */
export interface Prepared<C extends Executable = Executable> extends Program<C> {
  readonly x: readonly (Slot | undefined)[]
  readonly y: readonly (Slot | undefined)[]
  readonly weights: readonly (Slot | undefined)[]
  /** Whether it draws random numbers. */
  readonly draws: boolean
  /** The quick way for a call like the last one that ran this program: a training step, or a prediction. */
  repeat: QuickStep | null
  prediction: QuickPrediction | null
}

export function preparedOf<C extends Executable>(
  program: Program<C>,
  { inputs, targets }: Feeds,
): Prepared<C> {
  const { code } = program
  return {
    ...program,
    x: inputs.map(({ name }) => code.inputs.get(name)),
    y: targets.map(({ name }) => code.targets.get(name)),
    weights: targets.map(({ name }) => code.sampleWeights.get(name)),
    draws: code.modules.some(({ name }) => name === 'random'),
    repeat: null,
    prediction: null,
  }
}

export interface RunOptions {
  readonly training?: boolean
  readonly inputGradients?: boolean
}
export const NO_OPTIONS: RunOptions = {}

/** The batch of a program that computes nothing: of a training step, it has the update alone. */
export const NO_ROWS: Batch = { rows: 0, x: [], y: [], weights: [] }

/** Whether two shapes are the same, or neither is there. */
export const areSame = (shape: Shape | null, other: Shape | null): boolean =>
  shape === other || (shape !== null && other !== null && sameShape(shape, other))

/** Whether the program of `request` is the one for a batch of `rows` rows shaped like those of `batch`. */
export function answers(
  request: Request,
  mode: Mode,
  batch: Batch,
  rows: number,
  options: RunOptions,
): boolean {
  const { shapes, weightShapes } = request
  if (request.mode !== mode || request.rows !== rows) return false
  if (request.training !== (options.training ?? false)) return false
  if (request.inputGradients !== (options.inputGradients ?? false)) return false
  for (let i = 0; i < shapes.length; i++) if (!areSame(shapes[i], batch.x[i].shape)) return false
  for (let i = 0; i < weightShapes.length; i++)
    if (!areSame(weightShapes[i], batch.weights[i]?.shape ?? null)) return false
  return true
}
