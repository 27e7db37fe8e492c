// Files whose numbers are of 16 bits, as converters to float16 leave them: weights in float16, and a Cast behind each input and before
// each output, which stand at the end of the list of operators.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeModel, encodeModel } from '../../../src/interchange/onnx/messages.ts'
import { loadOnnx } from '../../../src/onnx/index.ts'

const bytesOf = (name: string) => readFileSync(new URL(`${name}.onnx`, import.meta.url))
const FLOAT16 = 10

/** The next number towards 0 that float16 has (normal ones and 0). */
function cut(x: number): number {
  const words = new Uint32Array(Float32Array.of(Math.abs(x) < 2 ** -14 ? 0 : x).buffer)
  words[0] &= ~0x1fff
  return new Float32Array(words.buffer)[0]
}

/** The bits of a number that `cut` has given: the exponent's bias is 15 instead of 127, the fraction has 10 bits of 23. */
function bitsOf(x: number): number {
  const [word] = new Uint32Array(Float32Array.of(x).buffer)
  const size = word & 0x7fffffff
  return ((word >>> 16) & 0x8000) | (size === 0 ? 0 : (size - (112 << 23)) >>> 13)
}

const floats = (raw: Uint8Array) => new Float32Array(raw.slice().buffer)
const raw = (array: Uint16Array | Float32Array) => new Uint8Array(array.buffer)

/** The file with weights that float16 has: as float16 with the Casts of a converter, and as float32. */
function both(name: string) {
  const model = decodeModel(bytesOf(name))
  const { graph } = model
  if (!graph) throw new Error(`${name} has no graph`)
  const [x] = graph.input
  const [y] = graph.output
  const tensors = graph.initializer.map((tensor) =>
    tensor.dataType === 1 && tensor.rawData
      ? { tensor, values: floats(tensor.rawData).map(cut) }
      : { tensor, values: null },
  )
  const renamed = (own: string, outer: string) => (each: string) => (each === own ? outer : each)
  const halves = graph.node.map((node) => ({
    ...node,
    input: node.input.map(renamed(x.name ?? '', 'x_half')),
    output: node.output.map(renamed(y.name ?? '', 'y_half')),
  }))
  const castTo = (from: string, to: string, i: number) => ({
    opType: 'Cast',
    input: [from],
    output: [to],
    attribute: [{ name: 'to', type: 2, i }],
  })
  const ends = [castTo('y_half', y.name ?? '', 1), castTo(x.name ?? '', 'x_half', FLOAT16)]
  const fileOf = (node: typeof graph.node | object[], initializer: object[]) =>
    loadOnnx(encodeModel({ ...model, graph: { ...graph, node, initializer } } as never))
  return {
    half: fileOf(
      [...halves, ...ends],
      tensors.map(({ tensor, values }) =>
        values ? { ...tensor, dataType: FLOAT16, rawData: raw(Uint16Array.from(values, bitsOf)) } : tensor,
      ),
    ),
    single: fileOf(
      graph.node,
      tensors.map(({ tensor, values }) => (values ? { ...tensor, rawData: raw(values) } : tensor)),
    ),
  }
}

test.each(['mlp_17', 'cnn_17', 'resnet_17', 'lstm_17'])(
  '%s in float16 predicts and trains as with the same weights in float32',
  (name) => {
    const { half, single } = both(name)
    const { x, target } = JSON.parse(String(readFileSync(new URL(`${name}.json`, import.meta.url))))
    const losses = [half, single].map((model) => {
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' })
      const steps = [0, 1].map(() => model.trainStep(Float32Array.from(x), Float32Array.from(target)).loss)
      return [...steps, ...model.predict(Float32Array.from(x)).data]
    })
    expect(losses[0]).toEqual(losses[1])
    expect(new Set(losses[0]).size).toBeGreaterThan(2)
    expect(half.importNotes).toContain('The file computes in float16, at least in part; here all is float32.')
    expect(single.importNotes.join()).not.toMatch(/float16/)
  },
)
