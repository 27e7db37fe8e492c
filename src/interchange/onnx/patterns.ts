// Operators that stand for one layer or function when they come one behind the other: exporters write them out. Enters: operators
// in order and the constants known so far. Leaves: the operators with one in the place of each such group.
import { type Constant, elements, numbers } from './arrays.ts'
import { made, type Operator } from './read.ts'

/** The operators of a graph by what they make and read. */
interface Links {
  constant(name: string | undefined): Constant | null
  maker(name: string | undefined): Operator | null
  /** The only reader of a value that isn't an output of the graph. */
  reader(name: string | undefined): Operator | null
}

/** A group that was found: its operators, the last of which makes the value, and what stands for them. */
interface Found {
  readonly parts: readonly Operator[]
  readonly instead: Operator
}

const isNear = (c: Constant | null, x: number): boolean =>
  c !== null && c.data.length === 1 && Math.abs(c.data[0] - x) < 1e-3 * Math.abs(x)

/** The operand of a Mul or Add beside `name`. */
const other = ({ inputs }: Operator, name: string): string => (inputs[0] === name ? inputs[1] : inputs[0])

const isOp = (node: Operator | null, ...ops: readonly string[]): node is Operator =>
  node !== null && ops.includes(node.op)

/** x . W, then + b. */
function denseFrom(node: Operator, { constant, reader }: Links): Found | null {
  if (node.op !== 'MatMul') return null
  const w = constant(node.inputs[1])
  const add = reader(node.outputs[0])
  if (w?.shape.length !== 2 || !isOp(add, 'Add') || constant(node.inputs[0])) return null
  const name = other(add, node.outputs[0])
  const bias = constant(name)
  const units = w.shape[1]
  if (!bias || bias.shape.at(-1) !== units || bias.shape.reduce((p, n) => p * n, 1) !== units) return null
  return {
    parts: [node, add],
    instead: made('Dense', node, [node.inputs[0], node.inputs[1], name], add.outputs),
  }
}

/** x (1 + erf(x / sqrt 2)) / 2, its factors in any order. */
function geluFrom(node: Operator, { constant, maker, reader }: Links): Found | null {
  if (node.op !== 'Erf') return null
  const scaled = maker(node.inputs[0])
  if (!isOp(scaled, 'Div', 'Mul')) return null
  const x = constant(scaled.inputs[0]) ? scaled.inputs[1] : scaled.inputs[0]
  const factor = constant(other(scaled, x))
  if (!isNear(factor, scaled.op === 'Div' ? Math.SQRT2 : Math.SQRT1_2)) return null
  const add = reader(node.outputs[0])
  if (!isOp(add, 'Add') || !isNear(constant(other(add, node.outputs[0])), 1)) return null
  const first = reader(add.outputs[0])
  if (!isOp(first, 'Mul')) return null
  const beside = other(first, add.outputs[0])
  const half = maker(beside)
  if (isOp(half, 'Mul') && half.inputs.includes(x) && isNear(constant(other(half, x)), 0.5))
    return { parts: [scaled, node, add, half, first], instead: made('Gelu', node, [x], first.outputs) }
  const second = reader(first.outputs[0])
  if (!isOp(second, 'Mul')) return null
  if (beside === x && isNear(constant(other(second, first.outputs[0])), 0.5))
    return { parts: [scaled, node, add, first, second], instead: made('Gelu', node, [x], second.outputs) }
  const isHalf = isNear(constant(beside), 0.5) && other(second, first.outputs[0]) === x
  return isHalf
    ? { parts: [scaled, node, add, first, second], instead: made('Gelu', node, [x], second.outputs) }
    : null
}

/** x sigmoid(x). */
function siluFrom(node: Operator, { reader }: Links): Found | null {
  if (node.op !== 'Sigmoid') return null
  const times = reader(node.outputs[0])
  if (!isOp(times, 'Mul') || other(times, node.outputs[0]) !== node.inputs[0]) return null
  return { parts: [node, times], instead: made('Silu', node, node.inputs, times.outputs) }
}

/** Whether a mean is taken over the last axis alone, which stays. */
const isRowMean = (node: Operator | null, { constant }: Links): node is Operator => {
  if (!isOp(node, 'ReduceMean') || node.int('keepdims', 1) === 0) return false
  const given = constant(node.inputs[1])
  return String(given ? numbers(given) : node.ints('axes')) === '-1'
}

const isSquare = (node: Operator | null, { constant }: Links): node is Operator =>
  (isOp(node, 'Pow') && isNear(constant(node.inputs[1]), 2)) ||
  (isOp(node, 'Mul') && node.inputs[0] === node.inputs[1])

/** (x - mean) / sqrt(variance + epsilon) gamma + beta over the last axis; or x / sqrt(mean of squares + epsilon) gamma. */
function layerNormFrom(node: Operator, links: Links): Found | null {
  const { constant, maker, reader } = links
  if (node.op !== 'Sqrt') return null
  const add = maker(node.inputs[0])
  if (!isOp(add, 'Add')) return null
  const mean = [maker(add.inputs[0]), maker(add.inputs[1])].find((each) => isRowMean(each, links))
  const epsilon = mean && constant(other(add, mean.outputs[0]))
  if (!mean || epsilon?.data.length !== 1) return null
  const square = maker(mean.inputs[0])
  if (!isSquare(square, links)) return null
  const [centered] = square.inputs
  let quotient = reader(node.outputs[0])
  const parts = [add, mean, square, node]
  if (isOp(quotient, 'Reciprocal')) {
    parts.push(quotient)
    quotient = reader(quotient.outputs[0])
    if (!isOp(quotient, 'Mul')) return null
  }
  const isQuotient =
    (isOp(quotient, 'Div') && quotient.inputs[0] === centered) ||
    (isOp(quotient, 'Mul') && quotient.inputs.includes(centered))
  if (!isQuotient) return null
  const scaled = quotient && reader(quotient.outputs[0])
  if (!quotient || !isOp(scaled, 'Mul')) return null
  const gamma = other(scaled, quotient.outputs[0])
  if (constant(gamma)?.shape.length !== 1) return null
  parts.push(quotient, scaled)
  const difference = maker(centered)
  const average = isOp(difference, 'Sub') ? maker(difference.inputs[1]) : null
  const attributes = { axis: -1, epsilon: epsilon.data[0] }
  const shifted = reader(scaled.outputs[0])
  const beta = isOp(shifted, 'Add') ? other(shifted, scaled.outputs[0]) : ''
  const isCentered =
    isOp(difference, 'Sub') && isRowMean(average, links) && average.inputs[0] === difference.inputs[0]
  if (!isCentered)
    return { parts, instead: made('RMSNormalization', node, [centered, gamma], scaled.outputs, attributes) }
  if (!isOp(shifted, 'Add') || constant(beta)?.shape.length !== 1) return null
  return {
    parts: [...parts, difference, average, shifted],
    instead: made(
      'LayerNormalization',
      node,
      [difference.inputs[0], gamma, beta],
      shifted.outputs,
      attributes,
    ),
  }
}

/** PyTorch's GroupNorm: groups as the channels of an InstanceNormalization without weights, then a factor and a summand. */
function groupNormFrom(node: Operator, { constant, maker, reader }: Links): Found | null {
  if (node.op !== 'InstanceNormalization') return null
  const [front, scale, bias] = [maker(node.inputs[0]), constant(node.inputs[1]), constant(node.inputs[2])]
  const back = reader(node.outputs[0])
  if (!isOp(front, 'Reshape') || !isOp(back, 'Reshape') || !scale || !bias) return null
  const isAll = (c: Constant, x: number) => Array.prototype.every.call(elements(c), (v) => v === x)
  const times = reader(back.outputs[0])
  const plus = isOp(times, 'Mul') ? reader(times.outputs[0]) : null
  if (!isAll(scale, 1) || !isAll(bias, 0) || !isOp(times, 'Mul') || !isOp(plus, 'Add')) return null
  const [gamma, beta] = [other(times, back.outputs[0]), other(plus, times.outputs[0])]
  const shape = constant(front.inputs[1])
  const groups = shape ? numbers(shape)[1] : 0
  const isChannels = (c: Constant | null) =>
    c !== null && c.shape.length > 1 && c.shape.slice(1).every((n) => n === 1)
  if (groups !== scale.shape[0] || !isChannels(constant(gamma)) || !isChannels(constant(beta))) return null
  const attributes = { num_groups: groups, epsilon: node.float('epsilon', 1e-5) }
  return {
    parts: [front, node, back, times, plus],
    instead: made(
      'GroupNormalization',
      node,
      [front.inputs[0], gamma, beta, back.inputs[1]],
      plus.outputs,
      attributes,
    ),
  }
}

const PATTERNS = [denseFrom, geluFrom, siluFrom, layerNormFrom, groupNormFrom]

/** The operators, those that belong together as one. */
export function grouped(
  operators: readonly Operator[],
  constants: ReadonlyMap<string, Constant>,
  outputs: readonly string[],
): readonly Operator[] {
  const makers = new Map<string, Operator>()
  const readers = new Map<string, Operator[]>()
  for (const node of operators) {
    for (const name of node.outputs) makers.set(name, node)
    for (const name of new Set(node.inputs)) {
      const list = readers.get(name)
      if (list) list.push(node)
      else readers.set(name, [node])
    }
  }
  const kept = new Set(outputs)
  const links: Links = {
    constant: (name) => constants.get(name ?? '') ?? null,
    maker: (name) => makers.get(name ?? '') ?? null,
    reader: (name = '') => {
      const list = readers.get(name) ?? []
      return list.length === 1 && !kept.has(name) ? list[0] : null
    },
  }
  const gone = new Set<Operator>()
  const instead = new Map<Operator, Operator>()
  for (const node of operators) {
    for (const pattern of PATTERNS) {
      const found = pattern(node, links)
      if (!found || found.parts.some((part) => gone.has(part))) continue
      // nothing else may read what the parts make
      const last = found.parts.find(({ outputs }) => outputs[0] === found.instead.outputs[0])
      const isRead = found.parts.some(
        (part) =>
          part !== last &&
          part.outputs.some(
            (name) =>
              kept.has(name) || (readers.get(name) ?? []).some((reader) => !found.parts.includes(reader)),
          ),
      )
      if (!last || isRead) continue
      for (const part of found.parts) gone.add(part)
      instead.set(last, found.instead)
    }
  }
  return operators.flatMap((node) => instead.get(node) ?? (gone.has(node) ? [] : node))
}
