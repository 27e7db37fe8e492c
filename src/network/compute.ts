// From a network to the graph of one kind of run. Enters: a network, what it was compiled with, the mode and the
// shapes of a batch. Leaves: a simplified graph and where to find what it computes. Layers, losses and metrics
// write themselves; the gradients come from graph/gradient.ts.

import { differentiate } from '../graph/gradient.ts'
import type { Graph } from '../graph/graph.ts'
import type { Range } from '../graph/kernel.ts'
import * as ops from '../graph/operations.ts'
import { penaltyKernel } from '../graph/ops/loss.ts'
import { simplify } from '../graph/simplify.ts'
import type { Value } from '../graph/value.ts'
import { GraphWriter } from '../graph/writer.ts'
import { fail, LanegradError } from '../numerics/errors.ts'
import { type RowShape, type Shape, sameShape } from '../numerics/shape.ts'
import type { IdLimit } from '../session/feeds.ts'
import type { Finishing } from '../session/finishes.ts'
import { isState } from '../session/layout.ts'
import type { Metric } from '../session/metric.ts'
import type { HostReading, LossPlace, MeanPlace, Request } from '../session/program.ts'
import type { GraphLoss } from '../training/graph-loss.ts'
import { type LossGroups, rowsResult } from '../training/groups.ts'
import { activationOf, type Loss, takesLabels, targetShape } from '../training/loss.ts'
import { isMean, type MetricLike, readMetric, writeMetric, writeRowCount } from '../training/metrics.ts'
import { rangesOf } from '../training/range.ts'
import { writeLoss } from '../training/write-loss.ts'
import { type Forward, type WeightSpec, writeLayers } from './forward.ts'
import type { Network } from './network.ts'

export type { WeightSpec }

/** The choices of `compile` for one output. */
export interface OutputTraining {
  readonly output: string
  readonly loss: Loss
  readonly weight: number
  readonly metrics: readonly MetricLike[]
  readonly weightedMetrics?: readonly MetricLike[]
}

export interface Outline {
  /** All that lies in the arena's parameters: the weights, and the states that layers keep. */
  readonly parameters: readonly WeightSpec[]
  readonly weights: readonly WeightSpec[]
  readonly byName: ReadonlyMap<string, WeightSpec>
  /** Shape of each call's value. */
  readonly shapes: ReadonlyMap<string, RowShape>
  /** Shape of each output, by its name. */
  readonly outputs: ReadonlyMap<string, RowShape>
  /** The rule for the ids of an input, by its name. */
  readonly limits: ReadonlyMap<string, IdLimit>
  /** The numbers that each output can hold; null: not known. */
  readonly ranges: ReadonlyMap<string, Range | null>
  /** The values whose steps don't all count in a loss. */
  readonly masked: ReadonlySet<string>
}

/** The first of `lengths` that every layer takes. @throws what the first one throws, if none does */
function firstFit<T>(lengths: readonly number[], make: (length: number) => T): [length: number, made: T] {
  let reason: unknown
  for (const length of lengths) {
    try {
      return [length, make(length)]
    } catch (error) {
      if (!(error instanceof LanegradError)) throw error
      reason ??= error
    }
  }
  throw reason
}

/** Layers that have written themselves through `g`. */
export interface Written extends Forward {
  readonly g: GraphWriter
}

/** The layers as they write themselves for inputs of these shapes, batch axes included: what a prediction runs. */
export function writtenFor(network: Network, shapes: readonly Shape[]): Written {
  const g = new GraphWriter()
  return { ...writeLayers(g, network, shapes, { training: false, seed: 0, isOutline: true }), g }
}

/**
 * The weights a network has and the shapes it makes. An axis of unknown length is tried with two lengths: a weight
 * mustn't change with it (it lies in the arena with one shape for good), a value's axis that does is unknown too.
 * @throws LanegradError naming the layer that doesn't fit
 */
export function outlineOf(network: Network): Outline {
  const written = (unknownLength: number) =>
    writtenFor(
      network,
      network.inputs.map(({ shape }) => [1, ...shape.map((n) => n ?? unknownLength)]),
    )
  const isOpen = network.inputs.some(({ shape }) => shape.includes(null))
  const [length, first] = firstFit(isOpen ? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] : [1], written)
  const { g, values, weights } = first
  // much longer, so that a stride doesn't round both to one length; or what a table of positions still takes
  const other = isOpen ? firstFit([16, 4, 2].map((n) => n * length).concat(length + 1), written)[1] : first
  for (const [name, { spec }] of other.weights) {
    if (!sameShape(spec.shape, weights.get(name)?.spec.shape ?? []))
      fail(`weight ${name} would take its shape from an input axis of unknown length (null)`)
  }
  const rowShape = (name: string, { shape }: Value): RowShape =>
    shape.slice(1).map((n, i) => (n === other.values.get(name)?.shape[i + 1] ? n : null))
  const isFree = (name: string): boolean => {
    const { trainable, constraint } = (weights.get(name) as { readonly spec: WeightSpec }).spec
    return trainable && constraint?.kind !== 'nonNeg'
  }
  const found = rangesOf(g, isFree)
  const ranges = network.outputs.map(({ name, value }): [string, Range | null] => [
    name,
    found.get(values.get(value) as Value) ?? null,
  ])
  const shapes = new Map([...values].map(([name, value]) => [name, rowShape(name, value)]))
  const parameters = [...weights.values()].map(({ spec }) => spec)
  const specs = parameters.filter((spec) => !isState(spec))
  return {
    parameters,
    weights: specs,
    byName: new Map(specs.map((spec) => [spec.name, spec])),
    ranges: new Map(ranges),
    shapes,
    outputs: new Map(network.outputs.map(({ name, value }) => [name, shapes.get(value) ?? []])),
    limits: g.limits,
    masked: new Set([...values].flatMap(([name, value]) => (g.masks?.ofLoss(value) ? name : []))),
  }
}

export interface Computation {
  readonly graph: Graph
  /**
   * The loss of each output, where it is a sum, where the rows that count differ from batch to batch, or where there are
   * several outputs.
   */
  readonly losses: readonly LossPlace[]
  readonly metrics: readonly (MeanPlace | HostReading)[]
  /** Metrics that JavaScript computes, by key. */
  readonly host: ReadonlyMap<string, Metric>
  /** What turns means into the numbers that are logged. */
  readonly finishes: readonly Finishing[]
  /** Whether the losses are logged as well. */
  readonly isSplit: boolean
}

/** Elements of the last axis; `shape` is without the batch axis. */
export const columnsOf = (shape: RowShape): number => (shape.length > 0 ? (shape.at(-1) ?? 2) : 1)

/** Keys of logs: `loss`, and for several outputs `<output>_loss`. */
export const keyOf = (network: Network, output: string, name: string): string =>
  network.outputs.length > 1 ? `${output}_${name}` : name

/**
 * `groups`: those of losses that have gradients of their own, where gradients are accumulated.
 * @throws LanegradError naming the layer that doesn't fit
 */
export function computationOf(
  network: Network,
  outputs: readonly OutputTraining[],
  request: Request,
  groups: LossGroups | null,
  seed: number,
  added: readonly GraphLoss[] = [],
): Computation {
  const g = new GraphWriter()
  const { mode, rows } = request
  const results = new Map<string, Value>()
  const gradients = new Map<string, Value>()
  const losses: LossPlace[] = []
  const metrics: (MeanPlace | HostReading)[] = []
  const host = new Map<string, Metric>()
  const finishes: Finishing[] = []
  const isSplit = outputs.length > 1 || added.length > 0
  const made = (updates = new Map<string, Value>()): Computation => {
    const graph = simplify({ ops: g.ops, results, gradients, updates })
    return { graph: g.pass?.(graph) ?? graph, losses, metrics, host, finishes, isSplit }
  }
  if (rows === 0) return made()
  const training = mode === 'train' || mode === 'gradients' || request.training
  const shapes = request.shapes.map((shape) => [rows, ...shape])
  const { values, weights } = writeLayers(g, network, shapes, { training, seed })
  const keeps = [...g.assigned].filter(
    ([name]) => mode === 'train' || (mode !== 'gradients' && isState({ name })),
  )
  const updates = new Map(keeps)
  const predictions = new Map(network.outputs.map(({ name, value }) => [name, values.get(value) as Value]))
  const predictionOf = (output: string) => predictions.get(output) ?? fail(`no output ${output}`)

  if (mode === 'predict') {
    for (const { name } of network.outputs) results.set(name, predictionOf(name))
    return made(updates)
  }

  const terms: { readonly group: string | undefined; readonly value: Value }[] = []
  outputs.forEach((trained, i) => {
    const { output, loss, weight, metrics: plain, weightedMetrics = [] } = trained
    const prediction = predictionOf(output)
    g.label = output
    const target = g.leaf(
      'target',
      output,
      [rows, ...(targetShape(loss, prediction.shape.slice(1)) as Shape)],
      takesLabels(loss) ? 'int32' : 'float32',
    )
    const weightShape = request.weightShapes[i]
    const sampleWeights = weightShape ? g.leaf('sampleWeight', output, [rows, ...weightShape]) : null
    const mask = g.masks?.ofLoss(prediction) ?? null
    const steps = mask?.steps ?? null
    const counter = writeRowCount(g, loss, prediction, target, steps)
    const masked = mask
      ? counter && loss.reduction === 'mean'
        ? mask.mean(sampleWeights, counter, writeRowCount(g, loss, prediction, target, null))
        : mask.times(sampleWeights)
      : sampleWeights
    const value = writeLoss(g, loss, prediction, target, masked)
    terms.push({ group: groups?.of(output), value: ops.scale(g, value, weight) })
    const isSum = loss.reduction === 'sum'
    if (isSplit || counter || isSum) {
      const result = `loss of ${output}`
      results.set(result, value)
      const isCounted = counter !== null && !isSum
      const name = rowsResult(output)
      if (isCounted) results.set(name, counter)
      losses.push({
        key: `${output}_loss`,
        value: result,
        weight,
        counter: isCounted ? name : '',
        isSum,
      })
    }
    const taken = new Set<string>()
    const write = (given: MetricLike, isWeighted: boolean) => {
      const metric = readMetric(output, given, loss, columnsOf(prediction.shape.slice(1)))
      const name = taken.has(metric.name) ? `weighted_${metric.name}` : metric.name
      taken.add(name)
      const key = keyOf(network, output, name)
      if (!isMean(metric)) {
        results.set(`prediction of ${output}`, prediction)
        if (steps) results.set(`mask of ${output}`, steps)
        const logits = activationOf(loss)
        metrics.push({ key, output, isWeighted, ignoreIndex: loss.ignoreIndex, logits })
        host.set(key, metric)
        return
      }
      const weights = isWeighted ? (mask?.times(sampleWeights) ?? sampleWeights) : steps
      const { sum, counter, terms } = writeMetric(g, metric, loss, prediction, target, weights)
      const result = `metric ${key}` // no other result begins with these words
      results.set(result, sum)
      if (counter && counter !== sum) results.set(`terms of ${key}`, counter)
      const count = counter === sum ? result : counter ? `terms of ${key}` : ''
      metrics.push({ key, value: result, counter: count, terms, finish: metric.finish?.name })
      if (metric.finish) finishes.push(metric.finish)
    }
    for (const metric of plain) write(metric, false)
    for (const metric of weightedMetrics) write(metric, true)
  })
  for (const { value, spec } of weights.values()) {
    const { l1 = 0, l2 = 0 } = spec.regularizer
    g.label = spec.name
    if (l1 > 0 || l2 > 0)
      terms.push({ group: groups?.penalties, value: g.add(penaltyKernel, [value], { l1, l2 })[0] })
  }
  const { inputs } = network
  for (const loss of added)
    loss.write(loss, g, { inputs, outputs: predictions, values, weights, terms, results, losses, groups })
  g.label = 'loss'
  const totalOf = (values: readonly Value[]) =>
    values.slice(1).reduce((sum, value) => ops.plus(g, sum, value), values[0])
  const total = totalOf(terms.map(({ value }) => value))
  results.set('loss', total)

  if (mode === 'train' || mode === 'gradients') {
    const inGroup = (own: string) => terms.flatMap(({ group, value }) => (group === own ? value : []))
    const names = groups?.names ?? []
    const totals = names.length > 1 ? names.map((group) => totalOf(inGroup(group))) : [total]
    g.phase = 'backward'
    const leaves = [...weights.values()].filter(({ spec }) => spec.trainable).map(({ value }) => value)
    if (request.inputGradients) {
      for (const { name, dtype } of network.inputs) {
        const value = values.get(name)
        if (dtype === 'float32' && value) leaves.push(value)
      }
    }
    totals.forEach((of, group) => {
      const found = differentiate(g, of, leaves)
      leaves.forEach((leaf, i) => {
        // the first group's lie where the means of all will: there is something to write for every weight
        const none = group === 0 && totals.length > 1 ? ops.expand(g, g.constant(0), leaf.shape) : null
        const gradient = found[i] ?? none
        if (gradient && leaf.leaf) gradients.set(leaf.leaf.name + (group ? ` ${group}` : ''), gradient)
      })
    })
  }
  return made(updates)
}
