// From a network to the graph of one kind of run. Enters: a network, what it was compiled with, the mode and the
// shapes of a batch. Leaves: a simplified graph and where to find what it computes. Layers, losses and metrics
// write themselves; the gradients come from the rules of graph/gradient.ts.
import { GraphBuilder } from '../graph/builder.ts'
import { differentiate } from '../graph/gradient.ts'
import type { Graph } from '../graph/graph.ts'
import { simplify } from '../graph/simplify.ts'
import { type RowShape, type Shape, sameShape, type Value } from '../graph/value.ts'
import { fail } from '../numerics/errors.ts'
import { elementCount } from '../numerics/tensor.ts'
import { type Loss, takesLabels, targetShape, writeLoss } from '../training/losses.ts'
import { type MetricName, writeMetric } from '../training/metrics.ts'
import { type WeightSpec, writeLayers } from './forward.ts'
import type { Network } from './network.ts'

export type { WeightSpec }

/** What `compile` was told of one output. */
export interface OutputTraining {
  readonly output: string
  readonly loss: Loss
  readonly weight: number
  readonly metrics: readonly MetricName[]
}

export interface Outline {
  readonly weights: readonly WeightSpec[]
  /** Shape of each call's value. */
  readonly shapes: ReadonlyMap<string, RowShape>
}

/**
 * The weights a network has and the shapes it makes. An axis of unknown length is tried with two lengths: a weight
 * mustn't change with it (it lies in the arena with one shape for good), a value's axis that does is unknown too.
 * @throws LanegradError naming the layer that doesn't fit
 */
export function outlineOf(network: Network): Outline {
  const written = (unknownLength: number) => {
    const shapes = network.inputs.map(({ shape }) => [1, ...shape.map((n) => n ?? unknownLength)])
    return writeLayers(new GraphBuilder(), network, shapes, { training: false, seed: 0 })
  }
  const { values, weights } = written(1)
  const other = network.inputs.some(({ shape }) => shape.includes(null)) ? written(2) : { values, weights }
  for (const [name, { spec }] of other.weights) {
    if (!sameShape(spec.shape, weights.get(name)?.spec.shape ?? []))
      fail(`weight ${name} would take its shape from an input axis of unknown length (null)`)
  }
  const rowShape = (name: string, { shape }: Value): RowShape =>
    shape.slice(1).map((n, i) => (n === other.values.get(name)?.shape[i + 1] ? n : null))
  return {
    weights: [...weights.values()].map(({ spec }) => spec),
    shapes: new Map([...values].map(([name, value]) => [name, rowShape(name, value)])),
  }
}

/** `predict`: outputs. The others need targets: `evaluate`: loss and metrics; `train`: with gradients; `gradients`: with those of the inputs too, if asked. */
export type Mode = 'predict' | 'evaluate' | 'train' | 'gradients'

export interface Request {
  readonly mode: Mode
  /** Layers behave as in training (predict only; the others follow their mode). */
  readonly training: boolean
  /** With the batch axis. */
  readonly inputShapes: readonly Shape[]
  /** Shape of each output's sample weights, if given. */
  readonly sampleWeights: ReadonlyMap<string, Shape>
  readonly inputGradients: boolean
  readonly seed: number
}

export interface MetricPlace {
  /** Key in the logs. */
  readonly key: string
  /** Name of the graph's result, a sum over the batch. */
  readonly result: string
  readonly count: number
}

export interface Computation {
  readonly graph: Graph
  readonly metrics: readonly MetricPlace[]
}

/** Keys of logs: `loss`, and for several outputs `<output>_loss`. */
const keyOf = (network: Network, output: string, name: string): string =>
  network.outputs.length > 1 ? `${output}_${name}` : name

/**
 * Sample weights of an output with a mask: masked steps weigh nothing, and the mean is over the others (Keras:
 * mask * count / sum(mask)).
 */
function maskedWeights(g: GraphBuilder, weights: Value | null, mask: Value | null): Value | null {
  if (!mask) return weights
  const kept = g.binary('maximum', g.sum(mask), g.constant(1))
  const scaled = g.times(mask, g.binary('divide', g.constant(elementCount(mask.shape)), kept))
  if (!weights) return scaled
  return g.times(scaled, weights.shape.length === 1 ? g.reshape(weights, [weights.shape[0], 1]) : weights)
}

export function computationOf(
  network: Network,
  outputs: readonly OutputTraining[],
  request: Request,
): Computation {
  const g = new GraphBuilder()
  const training = request.mode === 'train' || request.mode === 'gradients' || request.training
  const { values, weights, masks, assigned } = writeLayers(g, network, request.inputShapes, {
    training,
    seed: request.seed,
  })
  const predictionOf = (output: string) =>
    values.get(network.outputs.find(({ name }) => name === output)?.value ?? '') ??
    fail(`no output ${output}`)
  const results = new Map<string, Value>()
  const gradients = new Map<string, Value>()
  const metrics: MetricPlace[] = []

  if (request.mode === 'predict') {
    for (const { name } of network.outputs) results.set(name, predictionOf(name))
    return { graph: simplify({ ops: g.ops, results, gradients, updates: new Map() }), metrics }
  }

  const terms: Value[] = []
  for (const { output, loss, weight, metrics: names } of outputs) {
    const prediction = predictionOf(output)
    g.label = output
    const target = g.leaf(
      'target',
      output,
      targetShape(loss, prediction.shape),
      takesLabels(loss) ? 'int32' : 'float32',
    )
    const weightShape = request.sampleWeights.get(output)
    const sampleWeights = weightShape ? g.leaf('sampleWeight', output, weightShape) : null
    const weighted = maskedWeights(g, sampleWeights, masks.get(prediction) ?? null)
    const value = writeLoss(g, loss, weight, prediction, target, weighted)
    terms.push(value)
    if (outputs.length > 1) results.set(`loss of ${output}`, value)
    for (const name of names) {
      const { sum, count } = writeMetric(g, name, loss, prediction, target)
      const result = `${name} of ${output}`
      results.set(result, sum)
      metrics.push({ key: keyOf(network, output, name), result, count })
    }
  }
  for (const { value, spec } of weights.values()) {
    const { l1 = 0, l2 = 0 } = spec.regularizer
    g.label = spec.name
    if (l1 > 0 || l2 > 0) terms.push(g.add('penalty', [value], { l1, l2 }))
  }
  g.label = 'loss'
  const total = terms.slice(1).reduce((sum, term) => g.plus(sum, term), terms[0])
  results.set('loss', total)

  if (request.mode === 'train' || request.mode === 'gradients') {
    g.phase = 'backward'
    const leaves = [...weights.values()].filter(({ spec }) => spec.trainable).map(({ value }) => value)
    if (request.inputGradients) {
      for (const { name, dtype } of network.inputs) {
        const value = values.get(name)
        if (dtype === 'float32' && value) leaves.push(value)
      }
    }
    const found = differentiate(g, total, leaves)
    leaves.forEach((leaf, i) => {
      const gradient = found[i]
      if (gradient && leaf.leaf) gradients.set(leaf.leaf.name, gradient)
    })
  }
  const updates = request.mode === 'train' ? assigned : new Map<string, Value>()
  return { graph: simplify({ ops: g.ops, results, gradients, updates }), metrics }
}
