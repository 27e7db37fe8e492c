// ONNX files from anywhere: damaged ones, files that ask for what there isn't, sizes that are only claimed. Each is a model or a
// LanegradError; none takes long or much memory.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { LanegradError } from '../../../src/index.ts'
import { decodeModel, encodeModel } from '../../../src/interchange/onnx/messages.ts'
import { loadOnnx } from '../../../src/onnx/index.ts'
import { mutated, numbersFrom, ROUNDS } from '../../support/mutated.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
// small ones: a file takes some milliseconds
const names = ['mlp_17.onnx', 'mlp_fixed.onnx', 'gru_17.onnx', 'unet_17.onnx']
const files = names.map((file) => Uint8Array.from(readFileSync(here + file)))

/** The message that loading ends with; '' for a model. Anything but a LanegradError is thrown on. */
function messageOf(bytes: Uint8Array): string {
  try {
    loadOnnx(bytes).dispose()
    return ''
  } catch (error) {
    if (error instanceof LanegradError) return error.message
    throw error
  }
}

describe('damaged files', () => {
  const rounds = Math.ceil(ROUNDS / files.length)
  test.each(files.map((file, i) => [names[i], file] as const))('%s', { timeout: 300_000 }, (_, file) => {
    let refused = 0
    for (const damaged of mutated(file, rounds)) {
      const start = performance.now()
      if (messageOf(damaged) !== '') refused++
      expect(performance.now() - start).toBeLessThan(20_000) // a hang, not a speed
    }
    expect(refused).toBeGreaterThan(0)
  })
})

/** Operators that the files don't have, put in the place of theirs. */
const OTHERS = (
  'Slice Split Concat Pad Tile Expand Gather Reshape Flatten Squeeze Unsqueeze Transpose Resize Upsample DepthToSpace SpaceToDepth ' +
  'Where Pow Clip ReduceSum ReduceMean ReduceMax ReduceProd Softmax LogSoftmax LayerNormalization InstanceNormalization ' +
  'GroupNormalization BatchNormalization RMSNormalization Conv ConvTranspose MaxPool AveragePool GlobalMaxPool LRN LSTM GRU RNN Gemm ' +
  'MatMul Einsum Trilu Range ConstantOfShape Shape Size EyeLike CumSum Cast Dropout PRelu Max Sum Mean Selu HardSigmoid Loop If'
).split(' ')
const NUMBERS = [
  -(2 ** 31),
  -7,
  -2,
  -1,
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  64,
  1000,
  65535,
  2 ** 20,
  2 ** 31,
  67108859,
  2 ** 40,
  2 ** 53,
]

type Loose = Record<string, unknown>

/** One part of a model changed into something that it wasn't. */
function altered(file: Uint8Array, below: (n: number) => number): Uint8Array {
  const model = structuredClone(decodeModel(file)) as unknown as { graph: Record<string, Loose[]> }
  const { graph } = model
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]
  const number = () => pick(NUMBERS)
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const node = pick(graph.node) as { input: string[]; output: string[]; attribute: Loose[]; opType: string }
    const attribute = node.attribute.length > 0 ? pick(node.attribute) : null
    switch (below(9)) {
      case 0:
        node.opType = pick(OTHERS)
        break
      case 1:
        if (attribute) attribute.i = number()
        break
      case 2:
        if (attribute) attribute.ints = Array.from({ length: below(6) }, number)
        break
      case 3:
        node.input = node.input.map((name) =>
          below(3) === 0 ? pick(pick(graph.node).output as string[]) : name,
        )
        break
      case 4:
        node.input = node.input.slice(0, below(node.input.length + 1))
        break
      case 5: {
        const dims = [...((pick(graph.initializer ?? [])?.dims as number[]) ?? [])]
        if (dims.length > 0) dims[below(dims.length)] = number()
        if (graph.initializer.length > 0) pick(graph.initializer).dims = dims
        break
      }
      case 6:
        // a list of its own: those without elements are one and the same
        node.attribute = [
          ...node.attribute,
          {
            name: pick(['axis', 'axes', 'pads', 'group', 'kernel_shape', 'perm', 'to']),
            i: number(),
            ints: [number(), number()],
          },
        ]
        break
      case 7: {
        const type = pick(graph.input).type as { tensorType: { shape: { dim: Loose[] } } }
        type.tensorType.shape.dim = Array.from({ length: below(5) }, () =>
          below(3) === 0 ? { dimParam: 'n' } : { dimValue: number() },
        )
        break
      }
      default:
        graph.node.splice(below(graph.node.length), 1)
        if (graph.node.length === 0) return file
    }
  }
  return encodeModel(model as never)
}

describe('files that say something else', () => {
  const rounds = Math.ceil(ROUNDS / 4 / files.length)
  test.each(files.map((file, i) => [names[i], file] as const))('%s', { timeout: 300_000 }, (_, file) => {
    const below = numbersFrom(11)
    let refused = 0
    for (let i = 0; i < rounds; i++) {
      const bytes = altered(file, below)
      const start = performance.now()
      if (messageOf(bytes) !== '') refused++
      expect(performance.now() - start).toBeLessThan(20_000) // a hang, not a speed
    }
    expect(refused).toBeGreaterThan(rounds / 4)
  })
})
