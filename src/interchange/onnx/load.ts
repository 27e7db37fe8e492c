// Reads an ONNX file as a model. Constants are folded first, then operators that stand for one layer are put together
// (patterns.ts), then each is written onto a tape (tape.ts), of which assemble.ts makes the model.
import { input, type Symbolic } from '../../layers/layer.ts'
import { model } from '../../model/create.ts'
import type { Values } from '../../network/network.ts'
import type { ByteSource } from '../../numerics/bytes.ts'
import {
  check,
  fail,
  isRecord,
  LanegradError,
  POSITIVE_INTEGER,
  reading,
  readOptions,
  show,
} from '../../numerics/errors.ts'
import type { RuntimeOptions } from '../../runtime/engine.ts'
import { type Imported, importedOf } from '../keras/imported.ts'
import type { Constant } from './arrays.ts'
import { assemble } from './assemble.ts'
import { elementwise } from './elementwise.ts'
import { BATCH, countText, type Flow, type Given, isWeight } from './flows.ts'
import { folds } from './fold.ts'
import { valued, type Write } from './functions.ts'
import { idsIn, inputNames, type Plan, plansOf } from './inputs.ts'
import { moves } from './moves.ts'
import { normalizing } from './normalizing.ts'
import { grouped } from './patterns.ts'
import { computedPlaces } from './places.ts'
import { products } from './products.ts'
import { type OnnxGraph, type Operator, readOnnx } from './read.ts'
import { recurrent } from './recurrent.ts'
import { Tape } from './tape.ts'
import { windows } from './windows.ts'

const writers: Readonly<Record<string, Write>> = {
  ...elementwise,
  ...moves,
  ...products,
  ...windows,
  ...normalizing,
  ...recurrent,
  ...computedPlaces,
}

/** Options of `loadOnnx`. */
export interface LoadOnnxOptions extends RuntimeOptions {
  /** Shapes of inputs by name, without the axis of samples, where the file leaves an axis open. Default {}. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>
}

/** All that a file asks for and there isn't: in one error. */
function refuse(problems: readonly string[]): never {
  const list = [...new Set(problems)]
  const shown = list.slice(0, 40).map((problem) => `\n  ${problem}`)
  const rest = list.length > 40 ? `\n  and ${list.length - 40} more` : ''
  return fail(`loadOnnx: the model can't be taken over:${shown.join('')}${rest}`)
}

/** Inputs without axes, and operators that no table has, with how often each comes: all in one error. */
function checkParts({ inputs, operators }: OnnxGraph): void {
  const counts = new Map<string, number>()
  for (const { op } of operators)
    if (!Object.hasOwn(writers, op) && !Object.hasOwn(folds, op)) counts.set(op, (counts.get(op) ?? 0) + 1)
  const scalars = inputs.filter(({ shape }) => shape.length === 0)
  const problems = [
    ...scalars.map(({ name }) => `input ${show(name)} is a single number, without an axis of samples`),
    ...[...counts].map(
      ([op, count]) => `${count} of the operator ${show(op).slice(1, -1)}, which isn't supported`,
    ),
  ]
  if (problems.length > 0) refuse(problems)
}

/** The number of inputs that an operator can't do without, where it isn't one. */
const LEAST = new Map<string, number>([
  ['Constant', 0],
  ...(
    'Add Sub Mul Div Mod Pow Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Expand Tile Gather CastLike CumSum ' +
    'MatMul Gemm Conv ConvTranspose Dense PRelu Einsum GatherND'
  )
    .split(' ')
    .map((op): [string, number] => [op, 2]),
  ...['Where', 'Range', 'LSTM', 'GRU', 'RNN'].map((op): [string, number] => [op, 3]),
])

/** The inputs of an operator. @throws LanegradError where one is missing that must be there */
function checked<T>({ op }: Operator, given: readonly (T | null)[]): readonly (T | null)[] {
  const least = LEAST.get(op) ?? 1
  for (let i = 0; i < least; i++) if (!given[i]) fail(`it has no input ${i + 1}`)
  return given
}

/** Operators that leave the elements as they are: a weight stays one. Others on weights are computed in each step, and train. */
const VIEWS = new Set(['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose'])

const isFolded = ({ op }: Operator, inputs: readonly (Given | null)[]): boolean =>
  Object.hasOwn(folds, op) &&
  inputs.every((c) => c === null || (c.isConstant && (!isWeight(c) || VIEWS.has(op))))

/** What an operator makes of constants. An array that isn't as it should be may make an engine's error, which is one of ours. */
const foldedOf = (node: Operator, given: readonly (Constant | null)[]): readonly Constant[] =>
  reading('it', () => folds[node.op](node, checked(node, given) as readonly Constant[]))

/** Folds what hangs on constants alone, in place. */
function folded(graph: OnnxGraph, constants: Map<string, Constant>): Operator[] {
  return graph.operators.filter((node) => {
    const inputs = node.inputs.map((name) => constants.get(name) ?? null)
    if (!isFolded(node, inputs) || !node.inputs.every((name, i) => name === '' || inputs[i])) return true
    if (node.op !== 'Constant' && node.inputs.length === 0) return true
    try {
      foldedOf(node, inputs as Constant[]).forEach((c, i) => {
        if (node.outputs[i]) constants.set(node.outputs[i], c)
      })
      return false
    } catch (error) {
      if (error instanceof LanegradError) return true
      throw error
    }
  })
}

/** The values of the graph's outputs. @throws LanegradError naming all operators that can't be written */
function interpret(
  t: Tape,
  operators: readonly Operator[],
  constants: ReadonlyMap<string, Constant>,
  inputs: ReadonlyMap<string, Flow>,
  outputs: readonly string[],
): Flow[] {
  const values = new Map<string, Given | null>([...constants, ...inputs])
  const problems: string[] = []
  const broken = new Set<string>()
  for (const node of operators) {
    const { op, name } = node
    const skip = () => {
      for (const output of node.outputs) broken.add(output)
    }
    if (node.inputs.some((input) => broken.has(input))) {
      skip()
      continue
    }
    t.from = op
    t.hint = name
    try {
      const given = node.inputs.map((input) => {
        if (input === '') return null
        return values.get(input) ?? fail(`reads ${show(input)}, which nothing before it makes`)
      })
      const made = isFolded(node, given)
        ? foldedOf(node, given as Constant[])
        : reading('it', () => known(node, given, writerOf(op)(t, node, checked(node, given))))
      node.outputs.forEach((output, i) => {
        if (output !== '') values.set(output, made[i] ?? null)
      })
    } catch (error) {
      if (!(error instanceof LanegradError)) throw error
      problems.push(`${op}${name === '' ? '' : ` ${show(name)}`}: ${error.message}`)
      skip()
    }
  }
  if (problems.length > 0) refuse(problems)
  return outputs.map((name) => {
    const value = values.get(name)
    if (!value) return fail(`loadOnnx: no operator makes the output ${show(name)}`)
    if (value.isConstant) return fail(`loadOnnx: output ${show(name)} hangs on no input`)
    return value
  })
}

/** The values of an operator on weights alone, with the arrays that they are before training. */
function known(
  node: Operator,
  given: readonly (Given | null)[],
  made: readonly (Given | null)[],
): readonly (Given | null)[] {
  const arrays = given.map((each) => (each === null || each.isConstant ? each : (each.known ?? undefined)))
  if (!Object.hasOwn(folds, node.op) || arrays.length === 0 || arrays.includes(undefined)) return made
  if (arrays.some((array) => array?.shape.some((n) => n % BATCH === 0))) return made
  const own = foldedOf(node, arrays as Constant[])
  return made.map((each, i) =>
    each && !each.isConstant ? { ...each, known: { ...own[i], weight: null } } : each,
  )
}

const writerOf = (op: string): Write =>
  Object.hasOwn(writers, op) ? writers[op] : fail('takes constants alone; here it works on what is computed')

/** An output as it is given to the caller: the samples in front, the other axes in ONNX's order. */
function outputOf(t: Tape, name: string, x: Flow): number {
  if (t.each) return t.plain(x)
  const axis = t.batchAxis(x)
  if (axis < 0) fail(`loadOnnx: output ${show(name)} isn't one of each sample`)
  const order = [axis, ...x.shape.map((_, i) => i).filter((i) => i !== axis)]
  const stored = t.ordered(x, order)
  const shape = order.map((i) => x.shape[i])
  if (shape.slice(1).some((n) => n % BATCH === 0))
    fail(`loadOnnx: output ${show(name)} has two axes of samples`)
  if (axis > 0 && (t.ownBatch ?? 1) > 1)
    fail(`loadOnnx: output ${show(name)} has the samples on axis ${axis}`)
  if (axis > 0)
    t.notes.add(`Output ${name} has the samples on its axis ${axis} in the file; here they come first.`)
  if (shape[0] === BATCH) return stored
  t.notes.add(
    `Output ${name} has ${shape[0] / BATCH} rows for each sample, which come as an axis of their own.`,
  )
  return t.reshape(stored, [BATCH, shape[0] / BATCH, ...shape.slice(1)])
}

/** `shared`: weights that several layers and steps read, so that none can have them as its own. */
function build(
  graph: OnnxGraph,
  plan: Plan,
  options: RuntimeOptions,
  shared: ReadonlySet<string> = new Set(),
): Imported {
  const t = new Tape(plan.each, graph.producer, plan.ownBatch)
  const constants = new Map([...graph.constants].filter(([name]) => !shared.has(name)))
  const left = folded(graph, constants)
  const operators = grouped(left, constants, graph.outputs)
  t.read = new Set([...operators.flatMap(({ inputs }) => inputs), ...graph.outputs])
  const ids = idsIn(left, graph.inputs)
  const names = inputNames(graph.inputs)
  const flows = new Map<string, Flow>()
  const symbols = new Map<number, Symbolic>()
  graph.inputs.forEach(({ name }, i) => {
    const shape = plan.shapes[i]
    const axis = plan.each ? -1 : shape.indexOf(BATCH)
    const order =
      axis < 0 ? shape.map((_, k) => k) : [axis, ...shape.map((_, k) => k).filter((k) => k !== axis)]
    const stored = order.map((k) => shape[k])
    const isInt32 = ids.has(name)
    const flow = t.input(stored, isInt32)
    flows.set(name, t.flow(shape, flow.stored, order))
    if (axis > 0)
      t.notes.add(`Input ${name} has the samples on its axis ${axis} in the file; here they come first.`)
    if (names[i] !== name) t.notes.add(`Input ${show(name)} is called ${names[i]}.`)
    const own = plan.each ? stored : stored.slice(1)
    symbols.set(flow.stored, input({ shape: own, name: names[i], dtype: isInt32 ? 'int32' : 'float32' }))
  })
  if (plan.each)
    t.notes.add('The file computes across its first axis: a sample is a whole input, that axis included.')
  if (graph.widths.length > 0)
    t.notes.add(`The file computes in ${graph.widths.join(' and ')}, at least in part; here all is float32.`)
  for (const name of shared) flows.set(name, valued(t, graph.constants.get(name)))
  const results = interpret(t, operators, constants, flows, graph.outputs)
  const apart = [...t.homes].flatMap(([name, homes]) => (homes.size > 1 && !shared.has(name) ? [name] : []))
  if (apart.length > 0) return build(graph, plan, options, new Set([...shared, ...apart]))
  const outputs = results.map((x, i) => outputOf(t, graph.outputs[i], x))
  const { values, weights } = assemble(t, symbols, outputs, names)
  const summed = [...weights].flatMap(([name, data]) =>
    t.summed.has(data) ? [`${JSON.stringify(name)}: 2`] : [],
  )
  if (summed.length > 0)
    t.notes.add(
      'Recurrent layers have one bias where the file adds up two, which train twice as fast together: ' +
        `learningRateMultipliers: { ${summed.join(', ')} } does the same.`,
    )
  const isUsed = usedIn([...outputs.map((value) => values.get(value) as Symbolic)])
  const given = [...symbols.values()].filter((symbol, i) => {
    if (isUsed.has(symbol)) return true
    t.notes.add(`Input ${graph.inputs[i].name} is left out: no output depends on it.`)
    return false
  })
  const named = outputs.map((value, i): [string, Symbolic] => [
    graph.outputs[i],
    values.get(value) as Symbolic,
  ])
  const net = model<Values>({
    ...options,
    inputs:
      given.length === 1
        ? given[0]
        : Object.fromEntries(given.map((symbol) => [symbol.input?.name ?? '', symbol])),
    outputs: named.length === 1 ? named[0][1] : Object.fromEntries(named),
    weights: Object.fromEntries(Array.from(weights, ([name, data]) => [name, new Float32Array(data)])),
  })
  return importedOf(net, [...t.notes])
}

/** The inputs that values depend on. */
function usedIn(outputs: readonly Symbolic[]): ReadonlySet<Symbolic> {
  const seen = new Set<Symbolic>()
  const open = [...outputs]
  for (let value = open.pop(); value; value = open.pop()) {
    if (seen.has(value)) continue
    seen.add(value)
    open.push(...value.inputs)
  }
  return seen
}

/**
 * A model from an ONNX file. Known operators become layers, which print, freeze, train and are saved as such; others become
 * `operations` layers. Values keep ONNX's order of axes at the inputs and outputs (images are [batch, channels, height, width]),
 * so the same flat data give the same predictions as in onnxruntime; within the model, channels come last. A file with one input
 * gives a model with one, several come as a record by name, and so do outputs. Arrays of floats in the file are weights, which
 * train. `importNotes` tells what differs from the file.
 *
 * If the file computes across its first axis, a sample is a whole input, that axis included, and `importNotes` says so.
 * @throws LanegradError if the bytes are no ONNX model, or naming all operators that aren't supported (control flow, quantized
 *   and custom ones) and all that ask for something that isn't
 * @example
 * ```js
 * import { readFileSync } from 'node:fs'
 * import { loadOnnx } from 'lanegrad/onnx'
 *
 * function classifier(path) {
 *   const model = loadOnnx(readFileSync(path))
 *   model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' })
 *   return model
 * }
 * ```
 */
export function loadOnnx<V extends Values = Symbolic>(
  bytes: ByteSource,
  options: LoadOnnxOptions = {},
): Imported<V> {
  const shapes = (value: unknown, what: string): Readonly<Record<string, readonly number[]>> => {
    const fits =
      isRecord(value) &&
      Object.values(value).every((each) => Array.isArray(each) && each.every(POSITIVE_INTEGER.holds))
    check(fits, what, 'lists of positive integers by the names of inputs', value)
    return value as Readonly<Record<string, readonly number[]>>
  }
  const { inputShapes } = readOptions('loadOnnx', options, { inputShapes: [shapes, {}] }, [
    'numerics',
    'threads',
  ])
  const { numerics, threads } = options
  const graph = reading('ONNX file', () => readOnnx(bytes))
  if (graph.inputs.length === 0 || graph.outputs.length === 0)
    fail('loadOnnx: the file has no input or no output')
  checkParts(graph)
  const plans = plansOf(graph, inputShapes)
  let reason: string | null = null
  for (const plan of plans) {
    try {
      return build(graph, plan, { ...(numerics && { numerics }), ...(threads && { threads }) }) as Imported<V>
    } catch (error) {
      if (!(error instanceof LanegradError)) throw error
      reason ??= error.message
    }
  }
  return fail(
    reason?.replaceAll(/\d{8,}/g, (n) => countText(Number(n))) ??
      'loadOnnx: the inputs have no common axis of samples, and sizes that the file leaves open',
  )
}
