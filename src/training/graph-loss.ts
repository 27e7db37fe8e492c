// A user's own term of the loss that depends on several outputs, inputs, layers or weights at once.
import { type GraphBuilder, graphBuilder } from '../graph/builder.ts'
import * as ops from '../graph/operations.ts'
import { isValue, type Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { check, FINITE, guarded, isFunction, reading, readOptions, unknownName } from '../numerics/errors.ts'
import { elementCount } from '../numerics/tensor.ts'
import type { LossPlace } from '../session/program.ts'
import type { LossGroups } from './groups.ts'

/** The values of a network by name, each with the batch axis first (weights without). */
export interface NetworkValues {
  /** An input. */
  input(name: string): Value
  /** An output. */
  output(name: string): Value
  /** The value of a layer, by the layer's name (its further calls: `name#2` ...). */
  layer(name: string): Value
  /** A weight, as `layer/weight`. */
  weight(name: string): Value
}

/** The values of a network as its layers have written them. */
export interface WrittenNetwork {
  readonly inputs: readonly { readonly name: string }[]
  readonly outputs: ReadonlyMap<string, Value>
  /** Those of the inputs are among them. */
  readonly values: ReadonlyMap<string, Value>
  readonly weights: ReadonlyMap<string, { readonly value: Value }>
  /** The terms of the loss so far, what is read of the graph, and where the losses are that are logged. */
  readonly terms: { readonly group: string | undefined; readonly value: Value }[]
  readonly results: Map<string, Value>
  readonly losses: LossPlace[]
  readonly groups: LossGroups | null
}

/** Writes a term of the loss: one number, or values whose mean it is. */
export type GraphLossFunction = (g: GraphBuilder, net: NetworkValues) => Value

/** A term of the loss, made by `graphLoss`, for the option `addedLosses` of `compile`. */
export interface GraphLoss {
  /** Its name, also in the logs. */
  readonly kind: string
  /** Its factor in the total. */
  readonly weight: number
  /** Saved models hold this in the place of `write`. */
  readonly custom: true
  /** Adds its term to a loss that is being written. @internal */
  readonly write: (loss: GraphLoss, g: GraphWriter, net: WrittenNetwork) => void
}

/**
 * A term of the loss over the whole network: it may take any inputs, outputs, layers and weights. `write` returns one number, or
 * values of any shape, whose mean over all elements is taken; `weight` (default 1) is its factor in the total. Logs have it
 * under its name, without the factor. Sample weights, class weights and masks don't reach it. A saved model holds only the
 * name and the weight: `load(bytes, { losses: [term] })`, without which such a file is refused.
 * @throws LanegradError on a bad name or weight; in the first run, on a name of the network that isn't known
 * @example
 * ```js
 * import { dense, graphLoss, input, model } from 'lanegrad'
 *
 * const x = input({ shape: [2] })
 * const outputs = { mean: dense({ units: 2, name: 'mean' })(x), logVar: dense({ units: 2, name: 'logVar' })(x) }
 * // the KL divergence of N(mean, exp(logVar)) from N(0, 1), as in a variational autoencoder (Kingma and Welling 2014)
 * const kl = graphLoss('kl', (g, net) => {
 *   const [mean, logVar] = [net.output('mean'), net.output('logVar')]
 *   const sum = g.plus(g.times(mean, mean), g.unary('exp', logVar))
 *   return g.scale(g.minus(g.minus(sum, logVar), 1), 0.5)
 * })
 * const net = model({ inputs: x, outputs })
 * net.compile({ loss: { mean: 'mse' }, addedLosses: [kl] }) // logVar has no loss of its own
 * const logs = net.trainStep([[1, 2]], { mean: [[0, 1]] })
 * console.log(Object.keys(logs)) // [ 'loss', 'mean_loss', 'kl' ]
 * ```
 */
export function graphLoss(
  name: string,
  write: GraphLossFunction,
  options: { readonly weight?: number } = {},
): GraphLoss {
  const isName = typeof name === 'string' && /^\w{1,100}$/.test(name)
  check(isName, 'graphLoss: name', 'a name of letters and digits', name)
  check(isFunction(write), 'graphLoss: write', 'a function', write)
  const { weight } = readOptions('graphLoss', options, { weight: [FINITE, 1] })
  const whole: GraphLoss['write'] = ({ kind, weight }, g, written) => {
    const { inputs, outputs, values, weights, terms, results, losses, groups } = written
    g.label = kind
    const named = (kind: string, known: Iterable<readonly [string, Value | undefined]>) => {
      const byName = new Map(known)
      return (of: string) => byName.get(of) ?? unknownName(kind, of, [...byName.keys()])
    }
    const net: NetworkValues = {
      input: named(
        'input',
        inputs.map(({ name }) => [name, values.get(name)]),
      ),
      output: named('output', outputs),
      layer: named('layer', values),
      weight: named(
        'weight',
        [...weights].map(([name, { value }]) => [name, value]),
      ),
    }
    const what = `loss ${name}`
    const given = reading(what, () => write(guarded('g', graphBuilder(g)), guarded('net', net)))
    const isOne = reading(what, () => isValue(given))
    check(isOne, what, 'a value, as the methods of g give it', given)
    const scale = 1 / elementCount(given.shape)
    const value = given.shape.length > 0 ? ops.reduce(g, 'sum', given, undefined, { scale }) : given
    terms.push({ group: groups?.added, value: ops.scale(g, value, weight) })
    const result = `added ${kind}`
    results.set(result, value)
    losses.push({ key: kind, value: result, weight, counter: '', isSum: false })
  }
  return Object.freeze({ kind: name, weight, custom: true, write: whole })
}
