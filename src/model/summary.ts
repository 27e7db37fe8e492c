// Describes a model: its layers with their sizes, and the lines that a console shows. Enters: a session. Leaves: plain text that
// fits 80 columns if names do.

import type { WeightSpec } from '../network/forward.ts'
import { outputName } from '../network/network.ts'
import type { PlannedSession } from '../network/planned.ts'
import { type RowShape, rowShapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'

/** Rows with columns padded to their widest cell; `right` tells which are numbers. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[],
): string {
  const widths = header.map((title, i) =>
    rows.reduce((most, row) => Math.max(most, row[i].length), title.length),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd()
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}

/** 1234567 as 1,234,567. */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

/** The number of numbers in the weights. */
export const parameters = (weights: readonly WeightSpec[]): number =>
  weights.reduce((sum, { shape }) => sum + elementCount(shape), 0)

/** A row of a summary before it is text. */
interface Row {
  readonly title: string
  /** The value whose shape is shown. */
  readonly value: string
  readonly inputs: readonly string[]
  count: number
}

/** Layers with output shapes, parameter counts and bytes. */
export function summaryText({ network, outline }: PlannedSession, isOpen = false): string {
  const models = isOpen ? [] : [...network.models].reverse() // so that the outmost counts
  const outmost = new Map(models.flatMap((model) => model.calls.map((call) => [call, model])))
  const shown = new Map<string, string>() // what a row's inputs are called: values of a closed model by its name
  for (const { name, inputs, outputs } of models)
    outputs.forEach((value, i) => {
      if (!inputs.some((input) => input.value === value)) shown.set(value, outputName(name, i)) // not one handed through
    })
  const counts = new Map<string, number>() // by layer
  for (const { name, shape } of outline.weights) {
    const [layer] = name.split('/', 1)
    counts.set(layer, (counts.get(layer) ?? 0) + elementCount(shape))
  }
  const rows = new Map<unknown, Row>()
  for (const { name } of network.inputs)
    rows.set(name, { title: `${name} (input)`, value: name, inputs: [], count: 0 })
  for (const { name, layer, inputs } of network.calls) {
    const model = outmost.get(name)
    const row = rows.get(model) ?? {
      title: model ? `${model.name} (model)` : `${name} (${layer.kind.kind})`,
      value: model?.outputs.find((value, i) => shown.get(value) === outputName(model.name, i)) ?? name,
      inputs: model?.inputs.map(({ value }) => value) ?? inputs,
      count: 0,
    }
    row.count += counts.get(layer.name) ?? 0
    counts.delete(layer.name) // counted at the layer's first call
    rows.set(model ?? name, row)
  }
  const cells = [...rows.values()].map(({ title, value, inputs, count }) => [
    title,
    rowShapeText(outline.shapes.get(value) ?? []),
    grouped(count),
    grouped(count * 4),
    inputs.map((input) => shown.get(input) ?? input).join(', '),
  ])
  const total = parameters(outline.weights)
  const trainable = parameters(outline.weights.filter((spec) => spec.trainable))
  const totals = `parameters: ${grouped(total)} (${grouped(total * 4)} bytes), trainable: ${grouped(trainable)}`
  return `${table(['layer', 'output', 'parameters', 'bytes', 'inputs'], cells, [2, 3])}\n${totals}`
}

/** The lines that a console prints for a model. */
export function modelText(session: PlannedSession): string {
  const { network, outline, training, disposing } = session
  const shaped = (values: Iterable<readonly [string, RowShape]>) =>
    Array.from(values, ([name, shape]) => `${name} ${rowShapeText(shape)}`).join(', ')
  const losses = training?.outputs.map(({ loss }) => loss.kind).join(', ')
  return `Model of ${grouped(parameters(outline.weights))} parameters, ${disposing.aborted ? 'disposed' : session.engine.variant}
  inputs: ${shaped(network.inputs.map(({ name, shape }) => [name, shape]))}
  outputs: ${shaped(outline.outputs)}
  ${training ? `compiled: ${training.optimizer.kind}, ${losses}` : 'not compiled'}`
}
