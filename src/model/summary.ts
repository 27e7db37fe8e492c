// Describes a model: its layers with their sizes, and the lines that a console shows. Enters: a session. Leaves: plain text that
// fits 80 columns if names do.

import type { WeightSpec } from '../network/forward.ts'
import { type ModelCall, outputName } from '../network/network.ts'
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

/** Layers with output shapes, parameter counts and bytes. */
export function summaryText({ network, outline }: PlannedSession, isOpen = false): string {
  const outmost = new Map<string, ModelCall>()
  for (const model of isOpen ? [] : network.models)
    for (const call of model.calls) if (!outmost.has(call)) outmost.set(call, model)
  const rows: string[][] = network.inputs.map(({ name, shape }) => [
    `${name} (input)`,
    rowShapeText(shape),
    '0',
    '0',
    '',
  ])
  const weights = new Map<string, WeightSpec[]>()
  for (const spec of outline.weights) {
    const [layer] = spec.name.split('/', 1)
    const known = weights.get(layer)
    if (known) known.push(spec)
    else weights.set(layer, [spec])
  }
  let total = 0
  let trainable = 0
  const shown = new Map<string, string>() // what a row's inputs are called: values of a closed model by its name
  for (const { name, outputs } of new Set(outmost.values()))
    outputs.forEach((value, i) => {
      shown.set(value, outputName(name, i))
    })
  const list = (values: readonly string[]) => values.map((value) => shown.get(value) ?? value).join(', ')
  const closed = new Map<ModelCall, { row: string[]; count: number }>()
  for (const { name, layer, inputs } of network.calls) {
    const own = weights.get(layer.name) ?? []
    weights.delete(layer.name) // counted at the layer's first call
    const count = parameters(own)
    total += count
    trainable += parameters(own.filter((spec) => spec.trainable))
    const model = outmost.get(name)
    if (model) {
      const [output = name] = model.outputs
      const known = closed.get(model) ?? { row: [], count: 0 }
      if (!closed.has(model)) rows.push(known.row)
      closed.set(model, known)
      known.count += count
      const shape = rowShapeText(outline.shapes.get(output) ?? [])
      const sizes = [grouped(known.count), grouped(known.count * 4)]
      const from = model.inputs.map(({ value }) => value)
      known.row.splice(0, 5, `${model.name} (model)`, shape, ...sizes, list(from))
      continue
    }
    const shape = outline.shapes.get(name) ?? []
    rows.push([
      `${name} (${layer.kind.kind})`,
      rowShapeText(shape),
      grouped(count),
      grouped(count * 4),
      list(inputs),
    ])
  }
  const totals = `parameters: ${grouped(total)} (${grouped(total * 4)} bytes), trainable: ${grouped(trainable)}`
  return `${table(['layer', 'output', 'parameters', 'bytes', 'inputs'], rows, [2, 3])}\n${totals}`
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
