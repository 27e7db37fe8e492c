// Matrix products: dense layers where one side is a matrix of the file, products of values otherwise.
import { dense } from '../../layers/core.ts'
import { fail } from '../../numerics/errors.ts'
import { broadcast, type Constant, elements, permuted, reshaped } from './arrays.ts'
import { BATCH, countOf, type Flow, type Given, isWeight } from './flows.ts'
import { binary, reduceAxes, squeeze, times, valued, type Write } from './functions.ts'
import { transpose, unsqueeze } from './moving.ts'
import type { Tape } from './tape.ts'

/** The rows of a kernel [C H W, F] in the order in which a flattened value lies stored. */
function reordered(w: Constant, { shape, order }: Flow): Constant {
  const sizes = shape.slice(1)
  const axes = order.slice(1).map((axis) => axis - 1)
  const whole = reshaped(w, [...sizes, w.shape[1]])
  return reshaped(permuted(whole, [...axes, sizes.length]), w.shape)
}

/** The key of the embedding whose table is w transposed: one array, or two that are equal. */
function tableOf(t: Tape, w: Constant): string | null {
  const [rows, columns] = w.shape
  const own = elements(w)
  for (const [key, table] of t.tables) {
    if (table.shape[0] !== columns || table.shape[1] !== rows) continue
    const other = elements(table)
    let i = 0
    while (i < own.length && own[i] === other[(i % columns) * rows + Math.floor(i / columns)]) i++
    if (i === own.length) return key
  }
  return null
}

/** x . w + bias over the last axis of x, with w [in, out] of the file. */
export function denseOf(t: Tape, x: Flow, w: Constant, bias: Constant | null): Flow {
  const rank = x.shape.length
  const [features, units] = w.shape
  if (x.shape[rank - 1] !== features) fail(`the product of ${t.text(x.shape)} and [${w.shape}]`)
  const shape = [...x.shape.slice(0, -1), units]
  const { flattened } = x
  const isLast = x.order[rank - 1] === rank - 1
  const order = isLast ? x.order : t.batchFirst(x, [rank - 1])
  const isOwn = !t.each && isWeight(w) && (!bias || isWeight(bias) || units === 1)
  const stored = flattened ? t.reshape(flattened.stored, x.shape) : t.ordered(x, order)
  const matrix = flattened ? reordered(w, flattened) : w
  const sizes = order.map((axis) => shape[axis])
  if (isOwn && sizes[0] % BATCH === 0 && sizes.length > 1) {
    const weights = { kernel: elements(matrix), ...(bias && { bias: elements(bias) }) }
    const key = `dense ${t.keyOf(w)} ${bias ? t.keyOf(bias) : ''} ${flattened?.order ?? ''}`
    const [y] = t.layer(
      (options) => dense({ ...options, units, useBias: bias !== null }),
      [stored],
      [sizes],
      {
        weights,
        key,
        of: w.weight,
        tied: tableOf(t, matrix),
      },
    )
    return t.flow(shape, y, order)
  }
  const rows = t.reshape(stored, [countOf(x.shape) / features, features])
  const product = t.reshape(t.matmul(rows, valued(t, matrix).stored), sizes)
  const y = t.flow(shape, product, order)
  return bias ? binary(t, 'add', y, bias) : y
}

/** The value under [..., rows, columns], its leading axes in the given order, and whether the last two are swapped. */
function matrices(t: Tape, x: Flow, lead: readonly number[]): { stored: number; isSwapped: boolean } {
  const rank = x.shape.length
  const isSwapped = x.order[rank - 1] === rank - 2 && x.order[rank - 2] === rank - 1
  const [rows, columns] = [rank - 2, rank - 1]
  return { stored: t.ordered(x, [...lead, ...(isSwapped ? [columns, rows] : [rows, columns])]), isSwapped }
}

function product(t: Tape, given: Flow, other: Flow): Flow {
  const isRow = given.shape.length === 1
  const isColumn = other.shape.length === 1
  const a0 = isRow ? unsqueeze(t, given, [0]) : given
  const b0 = isColumn ? unsqueeze(t, other, [1]) : other
  const rank = Math.max(a0.shape.length, b0.shape.length)
  const [a, b] = [t.raised(a0, rank), t.raised(b0, rank)]
  const front = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const samples = front.findIndex((n) => n % BATCH === 0)
  const axes = front.map((_, i) => i)
  const lead = t.each ? axes : [...axes.filter((i) => i === samples), ...axes.filter((i) => i !== samples)]
  const sizes = lead.map((i) => front[i])
  const p = matrices(t, a, lead)
  const q = matrices(t, b, lead)
  const wide = (stored: number) => t.expand(stored, [...sizes, ...t.shapeOf(stored).slice(-2)])
  const y = t.matmul(wide(p.stored), wide(q.stored), p.isSwapped, q.isSwapped)
  const shape = [...front, a.shape[rank - 2], b.shape[rank - 1]]
  const flow = t.flow(shape, y, [...lead, rank - 2, rank - 1])
  if (isRow) return squeeze(t, flow, [rank - 2])
  return isColumn ? squeeze(t, flow, [rank - 1]) : flow
}

const need = (given: Given | null | undefined): Given => given ?? fail('an input is missing')

export const products: Readonly<Record<string, Write>> = {
  MatMul: (t, _, [a, b]) => {
    const [x, w] = [need(a), need(b)]
    if (!x.isConstant && w.isConstant && w.shape.length === 2) return [denseOf(t, x, w, null)]
    return [product(t, valued(t, x), valued(t, w))]
  },
  // MatMul and the Add of a bias behind it
  Dense: (t, _, [a, b, c]) => {
    const [x, w, bias] = [valued(t, a), need(b), need(c)]
    if (!w.isConstant || !bias.isConstant) return fail('a dense layer of computed weights')
    return [denseOf(t, x, w, reshaped(bias, [w.shape[1]]))]
  },
  Gemm: (t, node, [a, b, c = null]) => {
    let x = valued(t, a)
    const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)]
    const swap = (y: Flow) =>
      t.flow(
        [y.shape[1], y.shape[0]],
        y.stored,
        y.order.map((axis) => 1 - axis),
      )
    if (node.int('transA')) x = swap(x)
    if (b?.isConstant && b.shape.length === 2 && (c === null || c.isConstant) && alpha === 1 && beta === 1) {
      const w = node.int('transB') ? permuted(b, [1, 0]) : b
      const units = w.shape[1]
      if (c === null || countOf(c.shape) === units) return [denseOf(t, x, w, c && reshaped(c, [units]))]
    }
    const w = valued(t, b)
    const y = times(t, product(t, x, node.int('transB') ? swap(w) : w), alpha)
    if (c === null) return [y]
    return [binary(t, 'add', y, beta === 1 ? c : times(t, valued(t, c), beta))]
  },
  Einsum: (t, node, inputs) => {
    const equation = node.text('equation').replaceAll(' ', '')
    const [sides, given] = equation.split('->')
    const names = sides.split(',')
    const out =
      given ??
      [...sides]
        .filter((l) => l !== ',' && sides.split(l).length === 2)
        .sort()
        .join('')
    const isPlain = (side: string) => /^[a-z]*$/i.test(side) && new Set(side).size === side.length
    if (![...names, out].every(isPlain) || names.some((name, i) => inputs[i]?.shape.length !== name.length))
      fail(`Einsum ${equation}: letters once in each input are taken`)
    const list = names.map((name, i): Named => [valued(t, inputs[i]), name])
    const [y, letters] = list.reduce((one, other, i) => {
      const needed = names.slice(i + 1).join('') + out
      return einsum(t, one, other, [...new Set(one[1] + other[1])].filter((l) => needed.includes(l)).join(''))
    })
    const [made, left] = summed(t, [y, letters], out)
    return [
      transpose(
        t,
        made,
        [...out].map((l) => left.indexOf(l)),
      ),
    ]
  },
}

/** A value whose axes have letters. */
type Named = readonly [x: Flow, letters: string]

/** The sum over the axes whose letters aren't among `wanted`. */
function summed(t: Tape, [x, letters]: Named, wanted: string): Named {
  const axes = [...letters].flatMap((l, i) => (wanted.includes(l) ? [] : [i]))
  const left = [...letters].filter((l) => wanted.includes(l)).join('')
  return axes.length === 0 ? [x, letters] : [squeeze(t, reduceAxes(t, 'sum', x, axes), axes), left]
}

/** A product by letters of axes: those of both and the output, of the first alone, of the second alone; others are summed. */
function einsum(t: Tape, one: Named, other: Named, out: string): Named {
  const [x, p] = summed(t, one, other[1] + out)
  const [y, q] = summed(t, other, one[1] + out)
  const size = (letter: string) =>
    p.includes(letter) ? x.shape[p.indexOf(letter)] : y.shape[q.indexOf(letter)]
  const both = [...p].filter((l) => q.includes(l) && out.includes(l))
  const inner = [...p].filter((l) => q.includes(l) && !out.includes(l))
  const left = [...p].filter((l) => !q.includes(l))
  const right = [...q].filter((l) => !p.includes(l))
  const group = (f: Flow, names: string, letters: readonly (readonly string[])[]) => {
    const stored = t.ordered(
      f,
      letters.flat().map((l) => names.indexOf(l)),
    )
    return t.reshape(
      stored,
      letters.map((list) => countOf(list.map(size))),
    )
  }
  const made = t.matmul(group(x, p, [both, left, inner]), group(y, q, [both, inner, right]))
  const letters = [...both, ...left, ...right]
  const order = letters.map((l) => out.indexOf(l))
  return [t.flow([...out].map(size), t.reshape(made, letters.map(size)), order), out]
}
