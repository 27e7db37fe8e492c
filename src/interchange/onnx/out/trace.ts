// The operations of a model's prediction, with sizes that hold for any batch. Enters: a session. Leaves: the operations that
// reach the outputs, in an order that can run.
// Layers write themselves for a known number of rows. They are asked for two numbers: a size that is the same in both is
// constant, the others are multiples of the batch.

import type { Op } from '../../../graph/kernel.ts'
import type { Value } from '../../../graph/value.ts'
import type { PlannedSession } from '../../../network/planned.ts'
import { fail } from '../../../numerics/errors.ts'
import type { Shape } from '../../../numerics/shape.ts'
import { isState } from '../../../session/layout.ts'

/** The size of an axis: a number, or -k for k times the batch. */
export type Dim = number
export type Dims = readonly Dim[]

/** Two numbers of rows, neither of which any layer treats by itself. */
const ROWS = [3, 5]

/** Attributes that tell the sizes of inputs and outputs once more. */
const SIZES: Readonly<Record<string, readonly string[]>> = {
  reshape: ['shape'],
  expand: ['shape'],
  unslice: ['shape'],
  reduce: ['shape', 'outer', 'reduced', 'inner', 'scale'],
  channelNormalize: ['samples'],
}

/** What a network can't be exported for, by the layer it belongs to. */
export type Problems = Map<string, Set<string>>

export function addProblem(problems: Problems, label: string, problem: string): void {
  problems.set(label, (problems.get(label) ?? new Set()).add(problem))
}

export interface Trace {
  readonly ops: readonly Op[]
  readonly inputs: readonly Value[]
  readonly outputs: readonly { readonly name: string; readonly value: Value }[]
  dimsOf(value: Value): Dims
  /** The operation that makes a value; undefined for inputs, weights and constants. */
  producerOf(value: Value): Op | undefined
  /** Whether a constant is made for a number of rows, in which case all its numbers are one. */
  isBatched(constant: Value): boolean
}

function written(session: PlannedSession, rows: number) {
  const { network } = session
  const { g, values } = session.writtenFor(
    network.inputs.map(({ shape }) => [rows, ...shape.map((n) => n ?? 1)]),
  )
  const named = (name: string): Value => values.get(name) ?? fail(`no value ${name}`)
  const outputs = network.outputs.map(({ name, value }) => ({ name, value: named(value) }))
  const producers = new Map<Value, Op>()
  for (const op of g.ops) for (const value of [op.output, ...op.extras]) producers.set(value, op)
  const live = new Set<Op>()
  const open = outputs.map(({ value }) => value)
  for (let value = open.pop(); value; value = open.pop()) {
    const op = producers.get(value)
    if (!op || live.has(op)) continue
    live.add(op)
    open.push(...op.inputs)
  }
  const ops = g.ops.filter((op) => live.has(op))
  return { ops, inputs: network.inputs.map(({ name }) => named(name)), outputs, producers }
}

/** `attributes` without those that tell sizes. */
const ownOf = ({ kernel, attributes }: Op): string => {
  const sizes = SIZES[kernel.name] ?? []
  return JSON.stringify(Object.entries(attributes).filter(([key]) => !sizes.includes(key)))
}

/** Whether two constants are the same, or of one number each, as often as there are rows. */
function areOneConstant(a: Float32Array | undefined, b: Float32Array | undefined): boolean {
  if (!a || !b) return a === b
  if (a.length === b.length) return a.every((n, i) => Object.is(n, b[i]))
  return a.every((n) => n === a[0]) && b.every((n) => n === a[0])
}

/** The operations of a model, for any number of rows or, unless `isDynamic`, for one. What hinders goes to `problems`. */
export function traceOf(session: PlannedSession, isDynamic: boolean, problems: Problems): Trace {
  const [few, many] = isDynamic ? ROWS : [1, 1]
  const trace = written(session, few)
  const other = written(session, many)
  const pairs = new Map<Value, Value>()
  const dims = new Map<Value, Dims>()

  const sizesOf = (a: Shape, b: Shape, label: string): Dims =>
    a.map((size, axis) => {
      if (size === b[axis]) return size
      const times = size / few
      if (!Number.isInteger(times) || b[axis] !== times * many)
        addProblem(problems, label, 'an axis whose size is not a multiple of the batch')
      return -times
    })
  const pair = (a: Value, b: Value, label: string): boolean => {
    if (pairs.has(a)) return pairs.get(a) === b
    const isLike = a.leaf?.kind === b.leaf?.kind && a.shape.length === b.shape.length
    const isWeight = a.leaf?.kind === 'parameter' && a.leaf.name !== b.leaf?.name
    if (!isLike || isWeight) return false
    pairs.set(a, b)
    if (!areOneConstant(a.leaf?.data, b.leaf?.data))
      addProblem(problems, label, 'a constant that depends on the size of the batch')
    dims.set(a, sizesOf(a.shape, b.shape, label))
    return true
  }
  trace.inputs.forEach((input, i) => void pair(input, other.inputs[i], input.leaf?.name ?? ''))
  const areAlike = (op: Op, twin: Op | undefined): boolean => {
    const { label } = op
    if (op.kernel.name !== twin?.kernel.name || op.inputs.length !== twin.inputs.length) return false
    if (ownOf(op) !== ownOf(twin))
      addProblem(problems, label, 'a number that depends on the size of the batch')
    return (
      op.inputs.every((input, j) => pair(input, twin.inputs[j], label)) &&
      [op.output, ...op.extras].every((made, j) => pair(made, [twin.output, ...twin.extras][j], label))
    )
  }
  // a layer that makes more of a larger batch, or other operations
  const odd = trace.ops.find((op, i) => !areAlike(op, other.ops[i])) ?? other.ops[trace.ops.length]
  const areSame = trace.outputs.every(({ value }, i) => pair(value, other.outputs[i].value, ''))
  if (odd || !areSame)
    addProblem(
      problems,
      odd?.label ?? '',
      'operations that depend on the size of the batch (dynamicBatch: false exports them for one row)',
    )

  for (const { inputs, label } of trace.ops)
    if (inputs.some(({ leaf }) => leaf?.kind === 'parameter' && isState(leaf)))
      addProblem(problems, label, 'a state that stays from run to run')
  return {
    ...trace,
    dimsOf: (value) => dims.get(value) ?? fail('a value of unknown size'),
    producerOf: (value) => trace.producers.get(value),
    isBatched: (constant) => constant.leaf?.data?.length !== pairs.get(constant)?.leaf?.data?.length,
  }
}
