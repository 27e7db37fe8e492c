// What numbers an output can hold, told by the operations that make it, and which losses take such numbers. Enters: the
// graph of a network's layers. Leaves: a Range, or null where nothing is known (a layer of one's own, a product, an input,
// a frozen weight): no loss is refused there.

import { isOf, type Op } from '../graph/kernel.ts'
import { binaryKernel, reduceKernel } from '../graph/ops/broadcast.ts'
import { matmulKernel } from '../graph/ops/matmul.ts'
import { concatenateKernel, permuteKernel, sliceKernel } from '../graph/ops/moves.ts'
import { softmaxKernel } from '../graph/ops/softmax.ts'
import { unaryKernel } from '../graph/ops/unary.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { fail } from '../numerics/errors.ts'
import { type Loss, takesLabels } from './losses.ts'

export interface Range {
  readonly low: number
  readonly high: number
  /** Made by softmax: rows of the last axis sum to 1, or what a move has made of them does. */
  readonly shares: 'rows' | 'moved' | null
  /** The layer whose activation, or lack of one, tells it. */
  readonly layer: string
}

const INF = Number.POSITIVE_INFINITY
/** The least of numbers above 0. */
const ABOVE_0 = Number.MIN_VALUE

/** The numbers that each unary function gives, by name; a function that is left out tells nothing. */
const ranges: Readonly<Record<string, readonly [low: number, high: number]>> = /*#__PURE__*/ (() => {
  const rows: readonly (readonly [names: string, low: number, high: number])[] = [
    ['leakyRelu elu celu selu gelu geluTanh silu hardSwish mish linear', -INF, INF],
    ['tanh softsign hardTanh sign erf', -1, 1],
    ['relu square abs sqrt', 0, INF],
    ['relu6', 0, 6],
    ['softplus exp', ABOVE_0, INF],
    ['sigmoid hardSigmoid', 0, 1],
    ['logSigmoid', -INF, 0],
  ]
  return Object.fromEntries(
    rows.flatMap(([names, low, high]) => names.split(' ').map((name) => [name, [low, high]])),
  )
})()

/** The range of every value that an operation makes. `isFree`: whether a weight can take any number, of any sign. */
export function rangesOf(
  g: GraphWriter,
  isFree: (weight: string) => boolean,
): ReadonlyMap<Value, Range | null> {
  const found = new Map<Value, Range | null>() // in the order of the operations: what one reads is there already
  const weights = new Set<Value>() // under another shape
  const find = (value: Value): Range | null => found.get(value) ?? null
  const isWeight = (operand: Value): boolean =>
    weights.has(operand) || (operand.leaf?.kind === 'parameter' && isFree(operand.leaf.name))
  const rangeOf = (op: Op): Range | null => {
    const { inputs, output, label: layer } = op
    const [x] = inputs
    const own = ([low, high]: readonly [number, number] = [NaN, NaN]): Range | null =>
      low <= high ? { low, high, shares: null, layer } : null
    const moved = (keepsRows: boolean): Range | null => {
      const range = find(x)
      return range && { ...range, shares: range.shares && (keepsRows ? range.shares : 'moved') }
    }
    const last = x.shape.length - 1
    if (op.kernel.view) return moved(x.shape[last] === output.shape.at(-1))
    if (isOf(op, permuteKernel)) return moved(op.attributes.axes[last] === last)
    if (isOf(op, sliceKernel)) return moved(op.attributes.axis !== last)
    if (isOf(op, concatenateKernel)) {
      const parts = inputs.map(find).filter((part) => part !== null)
      if (parts.length < inputs.length) return null
      const low = parts.reduce((least, part) => Math.min(least, part.low), INF)
      const high = parts.reduce((most, part) => Math.max(most, part.high), -INF)
      const are = (shares: Range['shares']) => parts.every((part) => part.shares === shares)
      const isWhole = op.attributes.axis !== last && are('rows')
      const shares = isWhole ? 'rows' : parts.every((part) => part.shares) ? 'moved' : null
      return { ...(parts.find((part) => part.low === low) ?? parts[0]), low, high, shares }
    }
    if (isOf(op, reduceKernel)) {
      const { fn, reduced, scale } = op.attributes
      const range = moved(false)
      const factor = fn === 'sum' ? reduced * scale : 1
      return range && { ...range, low: range.low * factor, high: range.high * factor }
    }
    if (isOf(op, softmaxKernel)) {
      const { log } = op.attributes
      return { ...(own(log ? [-INF, 0] : [0, 1]) as Range), shares: log ? null : 'rows' }
    }
    if (isOf(op, unaryKernel)) return own(ranges[op.attributes.fn])
    if (isOf(op, matmulKernel)) return isWeight(inputs[1]) ? own(ranges.linear) : null
    if (isOf(op, binaryKernel)) {
      const { fn } = op.attributes
      const isSum = fn === 'add' || fn === 'subtract'
      if ((isSum || fn === 'multiply') && inputs.some(isWeight)) return own(ranges.linear)
      const any = isSum && inputs.map(find).find((range) => range?.low === -INF && range.high === INF)
      return any || null
    }
    const { kernel, attributes } = op
    if (!kernel.module) return null
    if (kernel.name.endsWith('Pool')) return moved(false)
    const { fn } = attributes as { readonly fn?: string }
    return inputs.some(isWeight) ? own(ranges[fn ?? 'linear']) : null
  }
  for (const op of g.ops) {
    if (op.kernel.view && isWeight(op.inputs[0])) weights.add(op.output)
    found.set(op.output, g.opaque.has(op.output) ? null : rangeOf(op))
  }
  return found
}

export const rangeText = ({ low, high }: Range): string => {
  if (low === -INF) return high === INF ? 'any number' : `numbers up to ${high}`
  if (high === INF) return low === ABOVE_0 ? 'numbers above 0' : `numbers from ${low} up`
  return `numbers from ${low} to ${high}`
}

/**
 * Refuses a loss that the output's numbers make nonsense of; the docstring of `Model.compile` has the table. `columns`: of
 * the last axis. @throws LanegradError that names ways out
 */
export function checkRange(output: string, loss: Loss, columns: number, range: Range | null): void {
  const { kind, fromLogits } = loss
  if (columns === 1 && range?.shares === 'rows')
    fail(
      `output ${output}: softmax of one unit is always 1; give layer ${range.layer} more units, or activation 'sigmoid'`,
    )
  if (columns === 1 && (kind === 'klDivergence' || kind === 'cosineSimilarity'))
    fail(`output ${output}: ${kind} compares rows of two units or more; got one unit`)
  const isBinary = kind === 'binaryCrossentropy'
  const isRow = takesLabels(loss) || kind === 'categoricalCrossentropy'
  if (!range) return
  const { low, high, shares, layer } = range
  const activation = isBinary ? 'sigmoid' : 'softmax'
  const refuse = (needs: string, ways: string): never =>
    fail(`output ${output}: ${kind} needs ${needs}, but layer ${layer} gives ${rangeText(range)}; ${ways}`)
  if (isBinary || isRow) {
    if (fromLogits) {
      if ((low >= 0 && (isBinary || high <= 1)) || (isBinary && high <= 0))
        refuse('logits', `use no activation, or activation '${activation}' without fromLogits`)
      return
    }
    const fits = isBinary ? low >= 0 && high <= 1 : shares || (low > 0 && high > 1)
    const several = high === 1 && low === 0 ? ' (for classes that may hold together: binaryCrossentropy)' : ''
    if (!fits)
      refuse(
        isBinary ? 'probabilities' : 'probabilities of one class among several',
        `use activation '${activation}', or none and fromLogits: true${several}`,
      )
  } else if (kind === 'klDivergence' && !shares)
    refuse(
      'probabilities that sum to 1',
      "use activation 'softmax', or none and categoricalCrossentropy({ fromLogits: true })",
    )
  else if (kind === 'poisson' && low < 0)
    refuse('positive numbers', "use activation 'softplus' or 'exponential'")
  else if ((kind === 'hinge' || kind === 'squaredHinge') && (low >= 0 || high <= 0))
    refuse(
      'scores of both signs',
      "use activation 'tanh' or none, or binaryCrossentropy with targets 0 and 1",
    )
}
