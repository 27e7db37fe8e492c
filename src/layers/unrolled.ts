// Recurrent cells written step by step in operations of the graph, for what the kernels of operations/recurrent.ts don't do:
// other activations, recurrent dropout, convolutions. Enters: the input products of all steps, the states before the first one.
// Leaves: h after every step, and the last states.
import { RANDOM_BERNOULLI } from '../../assembly/abi.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { activate } from './activations.ts'
import type { BuildContext } from './layer.ts'
import { drawn } from './noise.ts'
import type { CheckedActivation } from './options.ts'
import type { SequenceConfig } from './sequence.ts'

/** A state; undefined: it is 0 everywhere. */
type State = Value | undefined

/**
 * Writes one step: the states after it, h first, from its input products x and the states before. `read`: the h before as
 * the recurrent product reads it, some of its elements dropped.
 */
type Step<S extends State> = (x: Value, before: readonly S[], read: S) => readonly Value[]

interface Gates {
  readonly activation: CheckedActivation
  readonly recurrentActivation: CheckedActivation
}

/** h' = a(x + product(h)). */
export const plainStep =
  (g: GraphWriter, activation: CheckedActivation, product: (h: Value) => Value): Step<Value> =>
  (x, _, read) => [activate(g, activation, ops.plus(g, x, product(read)))]

/** c' = r(f) c + r(i) a(n), h' = r(o) a(c'); columns i, f, n, o of x + product(h). */
export const lstmStep =
  (g: GraphWriter, { activation, recurrentActivation }: Gates, product: (h: Value) => Value): Step<State> =>
  (x, [, c], read) => {
    const z = read ? ops.plus(g, x, product(read)) : x
    const [i, f, n, o] = ops.split(g, z, z.shape.length - 1, 4)
    const gate = (value: Value) => activate(g, recurrentActivation, value)
    const added = ops.times(g, gate(i), activate(g, activation, n))
    const next = c ? ops.plus(g, ops.times(g, gate(f), c), added) : added
    return [ops.times(g, gate(o), activate(g, activation, next)), next]
  }

/**
 * h' = z h + (1 - z) n, z, r = r(x + p); columns z, r, n of x and p. Reset after: n = a(x_n + r p_n), p = product(h). Reset
 * before: n = a(x_n + second(r h)), p, which has the columns z and r alone.
 */
export const gruStep =
  (
    g: GraphWriter,
    { activation, recurrentActivation }: Gates,
    product: (h: Value) => Value,
    second: ((h: Value) => Value) | null,
  ): Step<Value> =>
  (x, [h], read) => {
    const [xz, xr, xn] = ops.split(g, x, 1, 3)
    const [pz, pr, pn] = ops.split(g, product(read), 1, second ? 2 : 3)
    const z = activate(g, recurrentActivation, ops.plus(g, xz, pz))
    const r = activate(g, recurrentActivation, ops.plus(g, xr, pr))
    const p = second ? second(ops.times(g, r, read)) : ops.times(g, r, pn)
    const n = activate(g, activation, ops.plus(g, xn, p))
    return [ops.plus(g, n, ops.times(g, z, ops.minus(g, h, n)))]
  }

/**
 * h after every step in the order of reading, [batch, steps, ...] (without returnSequences the last one alone), and the last
 * states. `products`: [batch, steps, ...]; `shape`: of a state; `mask`: steps that count, [batch, steps].
 */
export function unrolled<S extends State>(
  context: BuildContext,
  products: Value,
  shape: readonly number[],
  initial: readonly S[],
  mask: Value | null,
  { returnSequences, goBackwards, recurrentDropout }: SequenceConfig,
  step: Step<S>,
): readonly [y: Value, ...states: Value[]] {
  const { g, training } = context
  const [batch, steps, ...rest] = products.shape
  const stepsOf = (value: Value, one: readonly number[]) => {
    const all = ops.split(g, value, 1, steps).map((part) => ops.reshape(g, part, one))
    return goBackwards ? all.reverse() : all
  }
  const counts = mask && stepsOf(mask, [batch, ...shape.slice(1).map(() => 1)])
  const factors =
    training && recurrentDropout > 0
      ? drawn(context, shape, RANDOM_BERNOULLI, recurrentDropout, 'recurrent_dropout')
      : null
  let states = initial
  const sequence: Value[] = []
  stepsOf(products, [batch, ...rest]).forEach((x, t) => {
    const [h] = states
    let next = step(x, states, h && factors ? (ops.times(g, h, factors) as S) : h)
    if (counts) {
      // m next + (1 - m) before
      const kept = ops.minus(g, g.constant(1), counts[t])
      next = next.map((value, i) => {
        const before = states[i]
        const chosen = ops.times(g, value, counts[t])
        return before ? ops.plus(g, chosen, ops.times(g, before, kept)) : chosen
      })
    }
    states = next as readonly Value[] as readonly S[]
    if (returnSequences) sequence.push(ops.reshape(g, next[0], [batch, 1, ...shape.slice(1)]))
  })
  const last = states as readonly Value[]
  return [returnSequences ? ops.concatenate(g, sequence, 1) : last[0], ...last]
}
