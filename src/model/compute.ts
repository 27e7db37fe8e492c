// From a network to the graph of one kind of run. Enters: a network, what it was compiled with, the mode and the
// shapes of a batch. Leaves: a simplified graph and where to find what it computes. Layers, losses and metrics
// write themselves; the gradients come from the rules of graph/gradient.ts.
import { GraphBuilder } from '../graph/builder.ts'
import { differentiate } from '../graph/gradient.ts'
import type { Graph } from '../graph/graph.ts'
import { simplify } from '../graph/simplify.ts'
import { type RowShape, type Shape, sameShape, shapeText, type Value } from '../graph/value.ts'
import type { Initializer } from '../layers/initializers.ts'
import type { LayerContext, Regularizer } from '../layers/layer.ts'
import { fail, LanegradError } from '../numerics/errors.ts'
import type { ParameterSpec } from '../plan/layout.ts'
import { type Loss, takesLabels, targetShape, writeLoss } from '../training/losses.ts'
import { type MetricName, writeMetric } from '../training/metrics.ts'
import type { Network } from './network.ts'

export interface WeightSpec extends ParameterSpec {
  readonly initializer: Initializer
  readonly regularizer: Regularizer
}

/** What `compile` was told of one output. */
export interface OutputTraining {
  readonly output: string
  readonly loss: Loss
  readonly weight: number
  readonly metrics: readonly MetricName[]
}

interface Forward {
  readonly values: ReadonlyMap<string, Value>
  /** Weights read, in the order of first use. */
  readonly weights: ReadonlyMap<string, { readonly value: Value; readonly spec: WeightSpec }>
}

const NO_REGULARIZER: Regularizer = {}

/** Writes the layers; `shapes` has each input's shape with its batch axis. */
function writeLayers(
  g: GraphBuilder,
  network: Network,
  shapes: readonly Shape[],
  training: boolean,
): Forward {
  const values = new Map<string, Value>()
  const weights = new Map<string, { value: Value; spec: WeightSpec }>()
  network.inputs.forEach(({ name, dtype }, i) => {
    values.set(name, g.leaf('input', name, shapes[i], dtype))
  })
  for (const { name, layer, inputs } of network.calls) {
    const context: LayerContext = {
      g,
      training,
      weight(own, shape, { initializer, regularizer = NO_REGULARIZER, trainable = true }) {
        const full = `${layer.name}/${own}`
        const known = weights.get(full)
        if (known && !sameShape(known.spec.shape, shape)) {
          fail(
            `its weight ${own} has shape ${shapeText(known.spec.shape)}, this input needs ${shapeText(shape)}`,
          )
        }
        const spec = { name: full, shape, initializer, regularizer, trainable: trainable && layer.trainable }
        const entry = known ?? { value: g.leaf('parameter', full, shape), spec }
        weights.set(full, entry)
        return entry.value
      },
      weightOf: (full) => weights.get(full)?.value ?? fail(`tied to ${full}, which no earlier layer has`),
    }
    g.label = layer.name
    try {
      const args = inputs.map((input) => values.get(input)).filter((value) => value !== undefined)
      values.set(name, layer.kind.build(context, args, layer.config))
    } catch (error) {
      if (error instanceof LanegradError) fail(`layer ${name}: ${error.message}`)
      throw error
    }
  }
  g.label = ''
  return { values, weights }
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
    return writeLayers(new GraphBuilder(), network, shapes, false)
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

export function computationOf(
  network: Network,
  outputs: readonly OutputTraining[],
  request: Request,
): Computation {
  const g = new GraphBuilder()
  const training = request.mode === 'train' || request.mode === 'gradients' || request.training
  const { values, weights } = writeLayers(g, network, request.inputShapes, training)
  const predictionOf = (output: string) =>
    values.get(network.outputs.find(({ name }) => name === output)?.value ?? '') ??
    fail(`no output ${output}`)
  const results = new Map<string, Value>()
  const gradients = new Map<string, Value>()
  const metrics: MetricPlace[] = []

  if (request.mode === 'predict') {
    for (const { name } of network.outputs) results.set(name, predictionOf(name))
    return { graph: simplify({ ops: g.ops, results, gradients }), metrics }
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
    const value = writeLoss(g, loss, weight, prediction, target, sampleWeights)
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
  return { graph: simplify({ ops: g.ops, results, gradients }), metrics }
}
