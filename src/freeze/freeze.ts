// A model to a frozen file: a saved model with the programs for some sizes of batches beside it. Enters: a model, the sizes.
// Leaves: bytes; the model as it was.
import { ABI_VERSION } from '../../assembly/abi.ts'
import { checkModel, type Model } from '../model/model.ts'
import { saveSession } from '../model/saving.ts'
import type { Values } from '../network/network.ts'
import type { PlannedSession } from '../network/planned.ts'
import { BOOLEAN, fail, oneOf, POSITIVE_INTEGER, type Rule, readOptions } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import type { NamedArray } from '../numerics/tensor.ts'
import { gigabytes, MEMORY_LIMIT_BYTES } from '../runtime/arena.ts'
import type { Executable, Slots } from '../runtime/program.ts'
import type { TargetFeed } from '../session/feeds.ts'
import { FROZEN_KEY, type Frozen, PROGRAM_MARK } from '../session/frozen.ts'
import { layoutOf } from '../session/layout.ts'
import type { Mode, Program, Request } from '../session/program.ts'

/** Options of `freeze`. */
export interface FreezeOptions {
  /** Sizes of batches to train on. Default: none. */
  readonly train?: readonly number[]
  /** Sizes of batches to evaluate. Default: none. */
  readonly evaluate?: readonly number[]
  /**
   * Sizes of batches to predict; other numbers of rows run padded with copies of the last one, which only a layer of your own
   * that mixes the rows of a batch can see. Default [1].
   */
  readonly predict?: readonly number[]
  /** Sizes of batches to compute gradients of. Default: none. */
  readonly gradients?: readonly number[]
  /**
   * Whether training and evaluation take a weight for each row (true), or for each position of a row ('positions': of shape y's
   * first axes, all but the last where y isn't labels). Default false.
   */
  readonly sampleWeight?: boolean | 'positions'
  /** Whether the optimizer's state goes along, so that training goes on where it is; else it starts anew. Default false. */
  readonly includeOptimizer?: boolean
}

const SIZES: Rule<readonly number[]> = {
  expected: 'a list of positive integers, each once',
  holds: (value): value is readonly number[] =>
    Array.isArray(value) &&
    value.every((size) => POSITIVE_INTEGER.holds(size)) &&
    new Set(value).size === value.length,
}

const WEIGHTS: Rule<boolean | 'positions'> = oneOf<boolean | 'positions'>(true, false, 'positions')

const addressesOf = (slots: Slots) =>
  Object.fromEntries(Array.from(slots, ([name, { address }]) => [name, address]))

/** The positions of a target that have weights of their own: every label, or every row of numbers. */
const positionsOf = ({ shape, dtype }: TargetFeed): Shape =>
  (dtype === 'int32' ? shape : shape.slice(0, -1)).map((n) => n ?? 1)

/** A program as JSON; its words and constants are in `tensors`. */
function written(
  { request, code, readings, groups }: Program,
  index: number,
  tensors: Map<string, NamedArray>,
) {
  const { words, programStart, phaseEnds, sums, modules, constants, end }: Executable = code
  tensors.set(`${PROGRAM_MARK}${index}/words`, { shape: [words.length], data: words })
  constants.forEach(({ data }, i) => {
    tensors.set(`${PROGRAM_MARK}${index}/${i}`, { shape: [data.length], data })
  })
  const { mode, rows, weightShapes } = request
  return {
    request: { mode, rows, weightShapes },
    programStart,
    phaseEnds: [phaseEnds.forward, phaseEnds.backward, phaseEnds.update],
    sums,
    modules: modules.map(({ name }) => name),
    constants: constants.map(({ address }) => address),
    inputs: addressesOf(code.inputs),
    targets: addressesOf(code.targets),
    sampleWeights: addressesOf(code.sampleWeights),
    results: Object.fromEntries(
      Array.from(code.results, ([name, { address, shape, dtype }]) => [name, [address, shape, dtype]]),
    ),
    gradients: mode === 'gradients' ? addressesOf(code.gradients) : {},
    end,
    readings,
    groups,
  }
}

/** What can't be frozen is refused here. */
function checkFrozen({ feeds, training }: PlannedSession, modes: readonly Mode[]): void {
  for (const { name, shape } of feeds.inputs)
    if (shape.includes(null))
      fail(`freeze: input ${name} has an axis of unknown length: make the model with the length it will have`)
  const trained = modes.find((mode) => mode !== 'predict')
  if (!training && trained)
    fail(`freeze: ${trained}: the model isn't compiled: compile it first, or freeze predict alone`)
}

/**
 * A frozen file: what `save` gives, and the programs for these sizes of batches. `open` from `lanegrad/run` trains and predicts
 * with it without the planner; `load` makes the full model of it again. Layers and losses of your own are frozen like all
 * others; metrics that JavaScript computes can't be.
 * @throws LanegradError naming what can't be frozen
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
 * const trainer = open(freeze(model, { train: [2] }))
 * const [x, y] = [[[0, 1], [1, 0]], [1, 2]]
 * console.log(trainer.trainStep(x, y).loss === model.trainStep(x, y).loss) // true
 * ```
 */
export function freeze<V extends Values>(
  model: Model<V>,
  options: FreezeOptions = {},
): Uint8Array<ArrayBuffer> {
  const { session } = checkModel('freeze: model', model)
  const { train, evaluate, predict, gradients, sampleWeight, includeOptimizer } = readOptions(
    'freeze',
    options,
    {
      train: [SIZES, []],
      evaluate: [SIZES, []],
      predict: [SIZES, [1]],
      gradients: [SIZES, []],
      sampleWeight: [WEIGHTS, false],
      includeOptimizer: [BOOLEAN, false],
    },
  )
  const sizes: Readonly<Record<Mode, readonly number[]>> = { train, evaluate, predict, gradients }
  const asked = Object.entries(sizes) as [Mode, readonly number[]][]
  const { feeds, training, outline, updating, learningRate } = session
  checkFrozen(
    session,
    asked.flatMap(([mode, rows]) => (rows.length > 0 ? mode : [])),
  )
  // one thread and exact arithmetic, whatever the model has
  const base = session.engine.plainBase
  const layout = layoutOf(base, outline.parameters, updating?.slotNames.length ?? null)
  const tensors = new Map<string, NamedArray>()
  const shapes = feeds.inputs.map(({ shape }) => shape.map((n) => n ?? 1))
  const programs = asked
    .flatMap(([mode, rows]) =>
      rows.map((count): Request => {
        const weightShapes = feeds.targets.map((target) =>
          sampleWeight && mode !== 'predict' ? (sampleWeight === true ? [] : positionsOf(target)) : null,
        )
        return { mode, rows: count, shapes, weightShapes, training: false, inputGradients: false }
      }),
    )
    .map((request, i) => {
      const program = session.programOf(request, layout)
      const { end } = program.code
      if (end > MEMORY_LIMIT_BYTES)
        fail(
          `freeze: ${request.mode}: batches of ${request.rows} need ${gigabytes(end)}: WebAssembly memory ends at 4.0 GiB`,
        )
      for (const metric of program.readings.metrics)
        if ('output' in metric)
          fail(
            `freeze: metric ${metric.key} is computed by JavaScript and can't be frozen: compile without it`,
          )
      return written(program, i, tensors)
    })
  const frozen = {
    abi: ABI_VERSION,
    base,
    weights: outline.parameters.map(({ name, shape, trainable }) => ({ name, shape, trainable })),
    feeds,
    updating: training &&
      updating && {
        learningRate,
        schedule: training.optimizer.schedule,
        steps: updating.steps,
        groups: updating.groups,
        slotNames: updating.slotNames,
        slotStart: updating.slotStart,
      },
    programs,
  }
  return saveSession(session, includeOptimizer, tensors, {
    [FROZEN_KEY]: JSON.stringify(frozen satisfies Record<keyof Frozen, unknown>),
  })
}
