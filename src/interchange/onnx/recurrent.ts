// LSTM, GRU and RNN: layers where their weights are those of the file and their functions the usual ones; step by step in
// operations otherwise.

import type { Layer } from '../../layers/layer.ts'
import { gru, lstm, simpleRnn } from '../../layers/recurrent.ts'
import { fail } from '../../numerics/errors.ts'
import { type Constant, elements } from './arrays.ts'
import { BATCH, type Flow, type Given, isWeight } from './flows.ts'
import { valued, type Write } from './functions.ts'
import { counted, lengthsOf, places } from './places.ts'
import type { Operator } from './read.ts'
import type { Tape } from './tape.ts'

interface Cell {
  /** Number of gates. */
  readonly parts: number
  /** The gates of the file in the order of the layer. */
  readonly order: readonly number[]
  readonly functions: readonly string[]
}

const CELLS: Readonly<Record<string, Cell>> = {
  // i, o, f, c to i, f, c, o
  LSTM: { parts: 4, order: [0, 2, 3, 1], functions: ['Sigmoid', 'Tanh', 'Tanh'] },
  GRU: { parts: 3, order: [0, 1, 2], functions: ['Sigmoid', 'Tanh'] },
  RNN: { parts: 1, order: [0], functions: ['Tanh'] },
}

const FUNCTIONS: Readonly<Record<string, string>> = {
  Tanh: 'tanh',
  Relu: 'relu',
  Sigmoid: 'sigmoid',
  Affine: 'linear',
  Softplus: 'softplus',
  Softsign: 'softsign',
}

/** The part of direction d, transposed and with its gates in the layer's order: [d, G H, in] to [in, G H]. */
function kernelOf(w: Constant, d: number, { parts, order }: Cell): Float32Array {
  const [, rows, columns] = w.shape
  const all = elements(w)
  const units = rows / parts
  const kernel = new Float32Array(rows * columns)
  order.forEach((from, to) => {
    for (let u = 0; u < units; u++)
      for (let i = 0; i < columns; i++)
        kernel[i * rows + to * units + u] = all[(d * rows + from * units + u) * columns + i]
  })
  return kernel
}

/** The two biases of direction d, the gates in the layer's order. */
function biasesOf(b: Constant, d: number, { parts, order }: Cell): readonly [Float32Array, Float32Array] {
  const all = elements(b)
  const rows = b.shape[1] / 2
  const units = rows / parts
  const side = (start: number) => {
    const bias = new Float32Array(rows)
    order.forEach((from, to) => {
      for (let u = 0; u < units; u++) bias[to * units + u] = all[d * 2 * rows + start + from * units + u]
    })
    return bias
  }
  return [side(0), side(rows)]
}

const isZero = (given: Given): boolean =>
  given.isConstant && Array.prototype.every.call(given.data, (x) => x === 0)

/** What an operator asks for, its shapes checked. */
interface Call {
  readonly node: Operator
  readonly cell: Cell
  readonly units: number
  readonly steps: number
  /** x as it lies stored: [samples, steps, features]. */
  readonly x: number
  readonly w: Given
  readonly r: Given
  readonly b: Given | null
  /** w, r and b as they are computed in each step, where they are. */
  readonly computed: readonly (Given | null | undefined)[]
  /** Initial states, stored [samples, units], of a direction; null: zeros. */
  state(which: 0 | 1, direction: number): number | null
  readonly peepholes: Given | null
  /** The functions of each direction. */
  readonly functions: readonly (readonly string[])[]
  readonly isReverse: readonly boolean[]
  readonly resetAfter: boolean
  /** How many steps of each sample count, stored [samples]; null: all do. */
  readonly lengths: number | null
}

/** The states of one direction: after each step [samples, steps, units], and the last ones. */
interface Made {
  readonly y: number
  readonly h: number
  readonly c: number | null
}

/** A number that equal arrays have: those of PyTorch's gates are put in order anew for each call. */
const mark = (c: Constant): number =>
  Array.prototype.reduce.call<ArrayLike<number>, [(sum: number, v: number) => number, number], number>(
    elements(c),
    (sum, v) => sum * 0.999 + v,
    0,
  )

/** The layer of one direction; null: none has what is asked for. */
function asLayer(t: Tape, call: Call, d: number): Made | null {
  const { cell, units, steps, x, w, r, b, node, peepholes, resetAfter, isReverse } = call
  const samples = t.shapeOf(x)[0]
  const usual = call.functions[d].every((fn, i) => fn === cell.functions[i])
  const plain = node.op === 'RNN' && ['Tanh', 'Relu', 'Sigmoid'].includes(call.functions[d][0])
  const areOwn = w.isConstant && r.isConstant && (!b || b.isConstant)
  if (t.each || samples % BATCH !== 0 || !areOwn || peepholes || !(usual || plain)) return null
  // a layer gives the last cells, not those at the end of each sequence
  if (call.lengths !== null && node.op === 'LSTM' && t.read.has(node.outputs[2])) return null
  const [first, second] = b ? biasesOf(b as Constant, d, cell) : []
  const isSplit = node.op === 'GRU' && resetAfter
  const sum = first && second && first.map((v, i) => v + second[i])
  const weights = {
    kernel: kernelOf(w, d, cell),
    recurrent_kernel: kernelOf(r, d, cell),
    ...(first && second && sum && { bias: isSplit ? Float32Array.of(...first, ...second) : sum }),
  }
  const options = {
    units,
    useBias: b !== null,
    returnSequences: true,
    returnState: true,
    goBackwards: isReverse[d],
  } as const
  const activation = FUNCTIONS[call.functions[d][0]] as 'tanh'
  const make = (name: { name?: string }): Layer<unknown> =>
    node.op === 'LSTM'
      ? (lstm({ ...name, ...options }) as Layer<unknown>)
      : node.op === 'GRU'
        ? (gru({ ...name, ...options, resetAfter }) as Layer<unknown>)
        : (simpleRnn({ ...name, ...options, activation }) as Layer<unknown>)
  const states = (node.op === 'LSTM' ? ([0, 1] as const) : ([0] as const)).map((which) =>
    call.state(which, d),
  )
  const isGiven = states.some((state) => state !== null)
  const zeros = () => t.expand(t.scalar(0), [samples, units])
  const initial = isGiven ? states.map((state) => state ?? zeros()) : []
  const shapes = [[samples, steps, units], ...states.map(() => [samples, units])]
  const [y, h, c = null] = t.layer(make, [x, ...initial], shapes, {
    weights,
    key: `${node.op} ${d} ${mark(w)} ${mark(r)} ${b ? mark(b as Constant) : ''} ${JSON.stringify(options)}${activation}${resetAfter}`,
  })
  if (sum && !isSplit && t.producer !== 'lanegrad') t.summed.add(sum)
  if (call.lengths !== null) {
    const isLast = t.binary('equal', t.reshape(call.lengths, [samples, 1]), plusOne(t, steps))
    const last = t.reduce(t.binary('multiply', y, t.reshape(isLast, [samples, steps, 1])), 'sum', [1], false)
    return { y: t.binary('multiply', y, counted(t, call.lengths, steps)), h: last, c }
  }
  // a sequence that is read from its end comes in that order
  return { y: isReverse[d] ? t.reverse(y, 1) : y, h, c }
}

/** 1, 2, 3 ... as a row. */
const plusOne = (t: Tape, count: number): number => t.binary('add', places(t, count), t.scalar(1))

/** One direction, step by step. */
function asSteps(t: Tape, call: Call, d: number): Made {
  const { node, cell, units, steps, x, resetAfter } = call
  if (steps > 512) fail(`${steps} steps with functions or weights that no layer has`)
  const { parts } = cell
  const [samples, , features] = t.shapeOf(x)
  const part = (given: Given): number => {
    const flow = valued(t, given)
    const stored = t.slice(t.plain(flow), 0, d, 1)
    return t.reshape(stored, flow.shape.slice(1))
  }
  const [w, r, bias] = call.computed.map((given) => (given ? part(given) : null)) as [
    number,
    number,
    number | null,
  ]
  const rows = parts * units
  const wb = bias === null ? null : t.slice(bias, 0, 0, rows)
  // files of ours have zeros there, which aren't a weight
  const isWhole =
    t.producer === 'lanegrad' && call.b?.isConstant && biasesOf(call.b, d, cell)[1].every((v) => v === 0)
  const rb = bias === null || isWhole ? null : t.slice(bias, 0, rows, rows)
  const add = (a: number, b: number | null) => (b === null ? a : t.binary('add', a, b))
  const flat = t.reshape(x, [samples * steps, features])
  const products = t.reshape(add(t.matmul(flat, w, false, true), wb), [samples, steps, rows])
  const gate = (from: number, i: number) => t.slice(from, 1, i * units, units)
  const fn = (i: number) => {
    const name = FUNCTIONS[call.functions[d][i]] ?? fail(`the function ${call.functions[d][i]}`)
    return (at: number) => (name === 'linear' ? at : t.unary(at, name))
  }
  const times = (a: number, b: number) => t.binary('multiply', a, b)
  const zeros = t.expand(t.scalar(0), [samples, units])
  let h = call.state(0, d) ?? zeros
  let c = call.state(1, d) ?? zeros
  const peephole = call.peepholes ? part(call.peepholes) : null
  const look = (z: number, i: number, at: number) =>
    peephole === null ? z : add(z, times(t.slice(peephole, 0, i * units, units), at))
  const outputs: number[] = []
  const counts = call.lengths === null ? null : counted(t, call.lengths, steps)
  for (let i = 0; i < steps; i++) {
    const before = { h, c }
    const at = call.isReverse[d] ? steps - 1 - i : i
    const xz = t.reshape(t.slice(products, 1, at, 1), [samples, rows])
    if (node.op === 'LSTM') {
      const z = add(t.binary('add', xz, t.matmul(h, r, false, true)), rb)
      const input = fn(0)(look(gate(z, 0), 0, c))
      const forget = fn(0)(look(gate(z, 2), 2, c))
      c = t.binary('add', times(forget, c), times(input, fn(1)(gate(z, 3))))
      h = times(fn(0)(look(gate(z, 1), 1, c)), fn(2)(c))
    } else if (node.op === 'GRU') {
      const hz = add(t.matmul(h, r, false, true), rb)
      const sum = t.binary('add', xz, hz)
      const [z, reset] = [fn(0)(gate(sum, 0)), fn(0)(gate(sum, 1))]
      const own = t.slice(r, 0, 2 * units, units)
      const before = () =>
        add(
          t.matmul(times(reset, h), own, false, true),
          rb === null ? null : t.slice(rb, 0, 2 * units, units),
        )
      const inner = resetAfter ? times(reset, gate(hz, 2)) : before()
      const next = fn(1)(t.binary('add', gate(xz, 2), inner))
      h = t.binary('add', next, times(z, t.binary('subtract', h, next)))
    } else h = fn(0)(add(t.binary('add', xz, t.matmul(h, r, false, true)), rb))
    let y = h
    if (counts !== null) {
      // behind the end of a sequence nothing is given, and the states stay
      const isCounted = t.reshape(t.slice(counts, 1, at, 1), [samples, 1])
      const kept = (now: number, then: number) =>
        t.binary('add', then, times(isCounted, t.binary('subtract', now, then)))
      y = times(isCounted, h)
      h = kept(h, before.h)
      c = kept(c, before.c)
    }
    outputs[at] = t.reshape(y, [samples, 1, units])
  }
  return { y: t.concatenate(outputs, 1), h, c: node.op === 'LSTM' ? c : null }
}

function callOf(t: Tape, node: Operator, inputs: readonly (Given | null)[]): Call {
  const cell = CELLS[node.op]
  const [given, ...rest] = inputs
  // what is made of weights alone, as PyTorch's gates in ONNX's order, is a weight
  const [w, r, b = null, lengths = null, h0 = null, c0 = null, peepholes = null] = rest.map((each) =>
    each && !each.isConstant ? (each.known ?? each) : each,
  )
  const input = valued(t, given)
  if (!w || !r || input.shape.length !== 3)
    return fail('an input is missing, or one has other axes than it should')
  const isBatchFirst = node.int('layout') === 1
  const [steps, samples] = isBatchFirst ? [input.shape[1], input.shape[0]] : input.shape
  const features = input.shape[2]
  t.checkFixed(steps)
  const x = t.ordered(input, isBatchFirst ? [0, 1, 2] : [1, 0, 2])
  const direction = node.text('direction', 'forward')
  const isReverse = direction === 'bidirectional' ? [false, true] : [direction === 'reverse']
  const units = r.shape[2]
  const rows = cell.parts * units
  const fits = (of: Given | null, shape: readonly number[]) => !of || String(of.shape) === String(shape)
  const directions = isReverse.length
  if (
    !fits(w, [directions, rows, features]) ||
    !fits(r, [directions, rows, units]) ||
    !fits(b, [directions, 2 * rows])
  )
    fail(`weights of the shapes [${w.shape}] and [${r.shape}] on ${features} features`)
  if (node.has('clip')) fail('clip')
  if (node.int('input_forget') === 1) fail('input_forget')
  const ownLengths = lengthsOf(t, lengths, steps)
  if (ownLengths !== null && isReverse.includes(true)) fail('sequences of different lengths from their ends')
  const named = node.texts('activations')
  const functions = isReverse.map((_, d) => {
    const own = named.slice(d * cell.functions.length, (d + 1) * cell.functions.length)
    return own.length > 0 ? own : cell.functions
  })
  const states = [h0, c0].map((state) => (state && !isZero(state) ? state : null))
  return {
    node,
    cell,
    units,
    steps,
    x,
    w,
    r,
    b: b && isZero(b) && !isWeight(b as Constant) ? null : b,
    computed: [rest[0], rest[1], b && isZero(b) && !isWeight(b as Constant) ? null : rest[2]],
    peepholes: peepholes && isZero(peepholes) ? null : peepholes,
    functions,
    isReverse,
    resetAfter: node.int('linear_before_reset') === 1,
    lengths: ownLengths,
    state(which, d) {
      const state = states[which]
      if (!state) return null
      const flow = valued(t, state)
      // [directions, samples, units], or the samples first; a file for one sample has one
      const stored = t.ordered(flow, isBatchFirst ? [1, 0, 2] : [0, 1, 2])
      const own = t.reshape(t.slice(stored, 0, d, 1), t.shapeOf(stored).slice(1))
      return t.expand(own, [samples, units])
    },
  }
}

const recur: Write = (t, node, inputs) => {
  const call = callOf(t, node, inputs)
  const { units, steps, x, isReverse } = call
  const [samples] = t.shapeOf(x)
  const made = isReverse.map((_, d) => asLayer(t, call, d) ?? asSteps(t, call, d))
  const directions = made.length
  const isBatchFirst = node.int('layout') === 1
  const y = t.concatenate(
    made.map((each) => t.reshape(each.y, [samples, steps, 1, units])),
    2,
  )
  const last = (list: readonly number[]): Flow => {
    const stored = t.concatenate(
      list.map((h) => t.reshape(h, [samples, 1, units])),
      1,
    )
    return isBatchFirst
      ? t.flow([samples, directions, units], stored)
      : t.flow([directions, samples, units], stored, [1, 0, 2])
  }
  return [
    isBatchFirst
      ? t.flow([samples, steps, directions, units], y)
      : t.flow([steps, directions, samples, units], y, [2, 0, 1, 3]),
    last(made.map(({ h }) => h)),
    made[0].c === null ? null : last(made.map(({ c }) => c as number)),
  ]
}

export const recurrent: Readonly<Record<string, Write>> = { LSTM: recur, GRU: recur, RNN: recur }
