// Models as ONNX files: what onnxruntime makes of them, and what the checker of ONNX says, for a net of every kind of layer.
import { describe, expect, test } from 'vitest'
import type * as L from '../../src/index.ts'
import { layerKinds } from '../../src/layers/kinds.ts'
import { saveOnnx } from '../../src/onnx/index.ts'
import { nets } from './onnx-nets.ts'
import { checks, problemsOf, runFile, runtime } from './onnx-runtime.ts'

/** Numbers from -1 to 1, of a linear congruential generator. */
function reals(seed: number, length: number): Float32Array<ArrayBuffer> {
  let state = seed * 7919 + 12345
  return new Float32Array(length).map(() => {
    state = (Math.imul(state, 69069) + 1) >>> 0
    return Math.floor(state / 65536) / 32768 - 1
  })
}

/** A model of which no weight is 0, nor all of a kind alike. */
function shaken(model: L.Model): L.Model {
  const weights = Object.entries(model.getWeights()).map(([name, { data, shape }], seed) => {
    const noise = reals(seed + 1, data.length)
    const isVariance = name.endsWith('variance')
    const numbers = data.map((w, i) => (isVariance ? 1 + noise[i] / 2 : w + 0.3 * noise[i]))
    return [name, { data: numbers, shape }]
  })
  model.setWeights(Object.fromEntries(weights))
  return model
}

/** Inputs for some rows; of ids, the last ones of a row are 0 (padding), and one amid the others. */
function inputsOf(model: L.Model, rows: number): Record<string, L.NamedArray> {
  const entries = model.session.network.inputs.map(({ name, shape, dtype }, seed) => {
    const full = [rows, ...shape.map((n) => n ?? 1)]
    const length = full.reduce((product, n) => product * n, 1)
    const numbers = reals(seed + rows, length)
    if (dtype === 'float32') return [name, { data: numbers, shape: full }]
    const width = full[1] ?? 1
    const ids = Int32Array.from(numbers, (x, i) =>
      i % width >= width - Math.floor(i / width) || i % 5 === 1 ? 0 : 1 + Math.floor((x + 1) * 1.99),
    )
    return [name, { data: ids, shape: full }]
  })
  return Object.fromEntries(entries)
}

/** A model's predictions by the names of its outputs. */
function predicted(model: L.Model, inputs: Record<string, L.NamedArray>): Record<string, L.NamedArray> {
  const { inputStructure, outputs } = model.session.network
  const values = Object.values(inputs)
  const x = { single: values[0], list: values, record: inputs }[inputStructure]
  const y = model.predict(x as never) as unknown as
    | L.NamedArray
    | L.NamedArray[]
    | Record<string, L.NamedArray>
  const entries = outputs.map(({ name }, i) => [
    name,
    Array.isArray(y) ? y[i] : name in y ? (y as Record<string, L.NamedArray>)[name] : y,
  ])
  return Object.fromEntries(entries)
}

/** The largest difference, in units of the largest number. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [most, largest] = [0, 1e-30]
  for (let i = 0; i < b.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]))
    largest = Math.max(largest, Math.abs(b[i]))
    if (Number.isNaN(a[i]) !== Number.isNaN(b[i])) return Number.NaN
  }
  return most / largest
}

describe('a net of each kind of layer', () => {
  test('is in the table', () => {
    const found = new Set<string>()
    const note = (kind: string, config: object) => {
      found.add(kind)
      const text = JSON.stringify(config)
      for (const [, inner] of text.matchAll(/"kind":"(\w+)"/g)) found.add(inner)
    }
    for (const make of Object.values(nets))
      for (const { layer } of make().session.network.calls) note(layer.kind.kind, layer.config)
    expect([...layerKinds.keys()].filter((kind) => !found.has(kind))).toEqual([])
  })

  test.skipIf(!runtime).each(Object.entries(nets))('%s: onnxruntime predicts the same', async (_, make) => {
    const model = shaken(make())
    const bytes = saveOnnx(model, { opset: 17, dynamicBatch: true })
    for (const rows of [3, 1]) {
      const inputs = inputsOf(model, rows)
      const results = await runFile(runtime as NonNullable<typeof runtime>, bytes, inputs)
      const expected = predicted(model, inputs)
      expect(Object.keys(results).sort()).toEqual(Object.keys(expected).sort())
      for (const [name, { data, shape }] of Object.entries(expected)) {
        expect(results[name].shape).toEqual(shape)
        expect(distance(results[name].data, data)).toBeLessThan(1e-6)
      }
    }
  })

  test.skipIf(!checks)('passes the checker of ONNX, shapes included', () => {
    const files = Object.entries(nets).flatMap(([name, make]) =>
      [true, false].map(
        (dynamicBatch) => [`${name} ${dynamicBatch}`, saveOnnx(make(), { dynamicBatch })] as const,
      ),
    )
    expect(problemsOf(new Map(files))).toEqual({})
  })
})
