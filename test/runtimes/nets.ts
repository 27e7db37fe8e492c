// What must give the same bits everywhere: three nets, each trained 100 steps from a seed, then saved and loaded again.
// Enters: what they run on; the samples are made here of integers. Leaves: per net the bytes of its weights and predictions.
// Runs on every runtime: nothing here but JavaScript and the library.
import {
  batchNormalization,
  conv2d,
  dense,
  dropout,
  embedding,
  flatten,
  type Layer,
  load,
  lstm,
  type Model,
  maxPooling2d,
  multiHeadAttention,
  type NamedArray,
  type optimizers,
  type RuntimeOptions,
  sequential,
} from '../../src/index.ts'
import { splitAllInTurns } from '../split-all.ts'

export interface Trained {
  readonly name: string
  /** The bytes of every weight, in the order of the model's weights. */
  readonly weights: Uint8Array
  /** Of its predictions after training. */
  readonly predictions: Uint8Array
  /** The loaded model has the same weights and predictions, bit for bit. */
  readonly survivesSaving: boolean
}

const STEPS = 100
const ROWS = 24
const CLASSES = 4

/** `length` integers below `limit`: a linear congruential generator, exact in float64. */
function integers(length: number, limit: number): number[] {
  let state = 12345
  return Array.from({ length }, () => {
    state = (state * 69069 + 1) % 2 ** 32
    return Math.floor(state / 65536) % limit
  })
}

interface Net {
  readonly inputShape: readonly number[]
  readonly optimizer: keyof typeof optimizers
  /** The inputs are ids below this, not reals. */
  readonly ids?: number
  readonly layers: () => Layer[]
}

const last = (): Layer => dense({ units: CLASSES, activation: 'softmax' })

const nets: Readonly<Record<string, Net>> = {
  dense: {
    inputShape: [21],
    optimizer: 'adam',
    layers: () => [dense({ units: 33, activation: 'gelu' }), dropout({ rate: 0.25 }), last()],
  },
  convolution: {
    inputShape: [9, 9, 2],
    optimizer: 'sgd',
    layers: () => [
      conv2d({ filters: 5, kernelSize: 3, padding: 'same', activation: 'relu' }),
      batchNormalization(),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      last(),
    ],
  },
  sequence: {
    inputShape: [7],
    optimizer: 'rmsprop',
    ids: 11,
    layers: () => [
      embedding({ inputDim: 11, outputDim: 8 }),
      multiHeadAttention({ numHeads: 2, keyDim: 4, dropout: 0.1 }),
      lstm({ units: 9 }),
      last(),
    ],
  },
}

const bytesOf = ({ data }: NamedArray): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let end = 0
  for (const part of parts) {
    all.set(part, end)
    end += part.length
  }
  return all
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

async function train(name: string, net: Net, runtime: RuntimeOptions): Promise<Trained> {
  const { inputShape, optimizer, ids, layers } = net
  const size = inputShape.reduce((product, length) => product * length, ROWS)
  const x = ids
    ? Int32Array.from(integers(size, ids))
    : Float32Array.from(integers(size, 256), (n) => n / 128 - 1)
  const y = Int32Array.from(integers(ROWS, CLASSES))
  const inputDtype = ids ? 'int32' : 'float32'
  const model = sequential({ inputShape, inputDtype, seed: 7, layers: layers(), ...runtime })
  await splitAllInTurns(model.session.engine)
  model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' })
  for (let step = 0; step < STEPS; step++) model.trainStep(x, y)

  const weightsOf = (own: Model): Uint8Array => joined(Object.values(own.getWeights()).map(bytesOf))
  const predictionsOf = (own: Model): Uint8Array => bytesOf(own.predict(x) as NamedArray)
  const loaded = load(model.save(), runtime) as Model
  const [weights, predictions] = [weightsOf(model), predictionsOf(model)]
  const survivesSaving = isSame(weightsOf(loaded), weights) && isSame(predictionsOf(loaded), predictions)
  model.dispose()
  loaded.dispose()
  return { name, weights, predictions, survivesSaving }
}

/** One after the other. With threads, whatever can be split is. */
export async function trainNets(runtime: RuntimeOptions): Promise<Trained[]> {
  const trained: Trained[] = []
  for (const [name, net] of Object.entries(nets)) trained.push(await train(name, net, runtime))
  return trained
}
