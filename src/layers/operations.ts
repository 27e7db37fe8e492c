// A layer whose config is a list of operations: the part of a model of another maker that no layer stands for. Enters: steps as
// plain data, of a caller or of a file, which is untrusted. Leaves: the same operations in the graph, with their gradients. The
// operations and what they take are in step-kinds.ts.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import {
  BOOLEAN,
  check,
  fail,
  isRecord,
  POSITIVE_INTEGER,
  type Rule,
  readOptions,
} from '../numerics/errors.ts'
import { shapeText } from '../numerics/shape.ts'
import {
  type BuildContext,
  type Layer,
  type LayerKind,
  type LayerOptions,
  makeLayer,
  readLayer,
} from './layer.ts'
import { type StepKind, stepKinds } from './step-kinds.ts'

/** One operation of `operations`: its name, the values it reads, and what else it takes. */
export interface OperationStep {
  /** `binary`, `matmul`, `reduce` and so on. */
  readonly op: string
  /** The values by their numbers: the inputs of the layer from 0 on, then what the steps make, in their order. Default []. */
  readonly inputs?: readonly number[]
  /** What the operation takes beside values: `fn`, `axes`, `shape` ... */
  readonly [attribute: string]: unknown
}

/** Options of `operations`. */
export interface OperationsOptions extends LayerOptions {
  /** The operations in order. */
  readonly steps: readonly OperationStep[]
  /** The values that a call gives, by their numbers. Default: the last one. */
  readonly outputs?: readonly number[]
  /** Rows that the first axis of the first input has for each sample. Default 1. */
  readonly rows?: number
  /** Whether each sample is computed by itself: the steps then see values without the batch axis. Default false. */
  readonly each?: boolean
}

interface Step {
  readonly op: string
  readonly inputs: readonly number[]
}

interface OperationsConfig {
  readonly steps: readonly Step[]
  readonly outputs: readonly number[] | null
  readonly rows: number
  readonly each: boolean
}

const NUMBERS: Rule<readonly number[]> = {
  expected: 'a list of integers >= 0',
  holds: (list): list is readonly number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0),
}

const MOST_STEPS = 100_000

function readSteps(steps: readonly OperationStep[], what: string): readonly Step[] {
  check(
    Array.isArray(steps) && steps.length > 0 && steps.length <= MOST_STEPS,
    what,
    'a list of steps',
    steps,
  )
  return steps.map((step, i) => {
    const where = `${what}[${i}]`
    check(isRecord(step), where, 'an object with the name of an operation', step)
    const { op, inputs = [], ...attributes } = step as OperationStep
    const kind: StepKind | undefined = Object.hasOwn(stepKinds(), op) ? stepKinds()[op] : undefined
    if (!kind)
      fail(
        `${where}: unknown operation ${String(op).slice(0, 60)}. Known: ${Object.keys(stepKinds()).join(', ')}`,
      )
    const [least, most] = kind.inputs
    const fits = NUMBERS.holds(inputs) && inputs.length >= least && inputs.length <= most
    check(
      fits,
      `${where} (${op}): inputs`,
      `a list of ${least === most ? least : `${least} or more`} values`,
      inputs,
    )
    return { op, inputs: [...inputs], ...readOptions(`${where} (${op})`, attributes, kind.readers) }
  })
}

const readOperations = (options: object): OperationsConfig =>
  readLayer('operations', options, {
    steps: readSteps,
    outputs: [
      (value: unknown, what: string) => {
        check(value === null || (NUMBERS.holds(value) && value.length > 0), what, NUMBERS.expected, value)
        return value as readonly number[] | null
      },
      null,
    ],
    rows: [POSITIVE_INTEGER, 1],
    each: [BOOLEAN, false],
  })

/** The values of the steps, behind those of `inputs`. */
function written(
  context: BuildContext,
  inputs: readonly Value[],
  steps: readonly Step[],
  batch: number,
): Value[] {
  const values = [...inputs]
  steps.forEach((step, i) => {
    const { op, inputs: numbers, ...attributes } = step
    const given = numbers.map(
      (n) => values[n] ?? fail(`step ${i} (${op}) reads value ${n}, which no step before it makes`),
    )
    values.push(stepKinds()[op].write(context, given, attributes, batch))
  })
  return values
}

export const operationsKind: LayerKind<OperationsConfig> = {
  kind: 'operations',
  read: readOperations,
  outputs: ({ outputs }) => outputs?.length ?? 1,
  build(context, inputs, { steps, outputs, rows, each }) {
    const { g } = context
    const [first] = inputs
    const batch = first.shape[0] / rows
    if (!Number.isInteger(batch))
      fail(`the first axis of ${shapeText(first.shape)} must hold ${rows} rows for each sample`)
    const wanted = (values: readonly Value[]) =>
      (outputs ?? [values.length - 1]).map((n) => values[n] ?? fail(`outputs: no step makes value ${n}`))
    if (!each) return wanted(written(context, inputs, steps, batch))
    const samples = Array.from({ length: batch }, (_, i) => {
      const own = inputs.map((x) => ops.reshape(g, ops.slice(g, x, 0, i, 1), x.shape.slice(1)))
      return wanted(written(context, own, steps, 1)).map((y) => ops.reshape(g, y, [1, ...y.shape]))
    })
    return samples[0].map((_, i) =>
      ops.concatenate(
        g,
        samples.map((values) => values[i]),
        0,
      ),
    )
  },
}

/**
 * A list of operations as one layer, with weights of its own: what a model of another maker becomes where no layer stands for
 * its operations (`lanegrad/onnx`). Each operation has its gradient. A size that is a negative number -k stands for k times the
 * number of samples.
 * @throws LanegradError on an unknown operation or one whose attributes don't fit; when the model is made, on values that
 *   don't fit an operation
 * @example
 * ```js
 * import { operations, sequential } from 'lanegrad'
 *
 * // x minus the mean of its row
 * const steps = [
 *   { op: 'reduce', inputs: [0], fn: 'mean', axes: [1], keepDims: true },
 *   { op: 'binary', inputs: [0, 1], fn: 'subtract' },
 * ]
 * const model = sequential({ inputShape: [3], layers: [operations({ steps })] })
 * console.log(model.predict([[1, 2, 6]]).data.join(' ')) // -2 -1 3
 * ```
 */
export const operations = (options: OperationsOptions): Layer => makeLayer(operationsKind, options)
