// Adapters, normalized kernels and attention against PyTorch in float64 (torch/reweighted.py made the numbers): outputs, the
// gradient of mean(y^2) by every trained weight, and spectral normalization's vectors after two training steps.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  additiveAttention,
  attention,
  conv2d,
  dense,
  einsumDense,
  type FloatArray,
  groupedQueryAttention,
  input,
  type Layer,
  load,
  lora,
  type Model,
  model,
  rotaryEmbedding,
  sequential,
  sgd,
  spectralNormalization,
  stochasticDepth,
  tensor,
  weightNormalization,
} from '../../src/index.ts'
import { open } from '../../src/run/index.ts'
import { all } from '../../src/run/modules.ts'
import { workers } from '../../src/threads/index.ts'
import { flat, near, type TorchCase, torchCases } from '../support/torch-cases.ts'

interface Case extends TorchCase {
  readonly after: Record<string, FloatArray>
}
const cases = torchCases('reweighted.json') as Record<string, Case>

const plain = ({ x }: Case, layer: Layer): Model => {
  const inputs = x.map(({ shape }) => input({ shape: shape.slice(1) }))
  return model({ inputs, outputs: layer(inputs) }) as Model
}

const prefixed = (weights: Readonly<Record<string, FloatArray>>, prefix: string) =>
  Object.fromEntries(Object.entries(weights).map(([name, array]) => [prefix + name, flat(array)]))

/** A layer by the name of its case, and the prefix of its weights. */
const made: Record<string, (golden: Case) => Model> = {
  'lora dense': (golden) => lora(plain(golden, dense({ units: 4, name: 'l' })), { rank: 2, alpha: 3 }),
  'lora conv2d': (golden) =>
    lora(plain(golden, conv2d({ filters: 4, kernelSize: 3, name: 'l' })), { rank: 2, alpha: 3 }),
  attention: (golden) => plain(golden, attention({ useScale: true, causal: true, name: 'l' })),
  'attention concat': (golden) => plain(golden, attention({ scoreMode: 'concat', name: 'l' })),
  additive: (golden) => plain(golden, additiveAttention({ name: 'l' })),
  'weight norm': (golden) => plain(golden, weightNormalization({ layer: dense({ units: 4 }), name: 'l' })),
  'einsum abc,cde->abde': (golden) =>
    plain(
      golden,
      einsumDense({ equation: 'abc,cde->abde', outputShape: [null, 2, 3], biasAxes: 'de', name: 'l' }),
    ),
  'einsum abc,bcd->abd': (golden) =>
    plain(
      golden,
      einsumDense({ equation: 'abc,bcd->abd', outputShape: [null, 2], biasAxes: 'd', name: 'l' }),
    ),
  'einsum abc,cd->adb': (golden) =>
    plain(golden, einsumDense({ equation: 'abc,cd->adb', outputShape: [2, null], biasAxes: 'd', name: 'l' })),
}
for (const interleaved of [false, true]) {
  const heads = { numQueryHeads: 4, numKeyValueHeads: 2, keyDim: 4, causal: true, name: 'l' }
  made[`grouped rotary ${interleaved ? 'interleaved' : 'halves'}`] = (golden) =>
    plain(golden, groupedQueryAttention({ ...heads, rotary: rotaryEmbedding({ interleaved }) }))
}

describe('as PyTorch', () => {
  test.each(Object.keys(made))('%s', (name) => {
    const golden = cases[name]
    const net = made[name](golden)
    const prefix = name === 'weight norm' ? 'l/layer/' : 'l/'
    net.setWeights(prefixed(golden.weights, prefix))
    net.compile({ optimizer: sgd(), loss: 'meanSquaredError' })
    const x = golden.x.map(flat) as never
    const output = net.predict(x) as FloatArray
    near(output.data, golden.y.data, 'y')
    const zeros = tensor(new Float32Array(golden.y.data.length), [...golden.y.shape])
    const gradients = net.gradients(x, zeros as never)
    expect(Object.keys(gradients).sort()).toEqual(
      Object.keys(golden.gradients)
        .map((own) => prefix + own)
        .sort(),
    )
    for (const [own, { data }] of Object.entries(golden.gradients))
      near(gradients[prefix + own].data, data, own)
    const again = load(net.save())
    expect((again.predict(x) as FloatArray).data).toEqual(output.data)
  })

  test('spectral norm', () => {
    const golden = cases['spectral norm']
    const net = plain(golden, spectralNormalization({ layer: dense({ units: 4 }), name: 'l' }))
    net.setWeights(prefixed(golden.weights, 'l/layer/'))
    net.compile({ optimizer: sgd({ learningRate: 0.125 }), loss: 'meanSquaredError' })
    const x = golden.x.map(flat) as never
    const zeros = tensor(new Float32Array(12), [3, 4]) as never
    for (let step = 0; step < 2; step++) net.trainStep(x, zeros)
    for (const [own, { data }] of Object.entries(golden.after))
      near(net.getWeights()[`l/layer/${own}`].data, data, own)
    near((net.predict(x) as FloatArray).data, golden.y.data, 'y')
  })
})

test('stochasticDepth leaves out whole samples and scales the others', () => {
  const net = sequential({ inputShape: [3], layers: [stochasticDepth({ rate: 0.5 })] })
  const x = new Float32Array(48).fill(1)
  expect(net.predict(x).data).toEqual(x)
  const { data } = net.predict(x, { training: true })
  const rows = Array.from({ length: 16 }, (_, i) => [...data.slice(3 * i, 3 * i + 3)].join())
  expect(new Set(rows)).toEqual(new Set(['0,0,0', '2,2,2']))
})

describe('beyond one thread and one file', () => {
  const net = (options: { readonly threads?: ReturnType<typeof workers> } = {}) => {
    const trunk = sequential({
      inputShape: [6, 8],
      layers: [
        groupedQueryAttention({
          numQueryHeads: 4,
          numKeyValueHeads: 2,
          keyDim: 2,
          rotary: rotaryEmbedding(),
          name: 'attention',
        }),
        stochasticDepth({ rate: 0.3 }),
        spectralNormalization({ layer: dense({ units: 8 }), name: 'spectral' }),
        weightNormalization({ layer: dense({ units: 64, activation: 'tanh' }), name: 'normed' }),
      ],
      name: 'trunk',
    })
    const layers = [trunk, dense({ units: 2, name: 'out' })]
    return sequential({ inputShape: [6, 8], layers, seed: 4, ...options })
  }
  const x = Float32Array.from({ length: 64 * 48 }, (_, i) => Math.sin(i))
  const y = Float32Array.from({ length: 64 * 12 }, (_, i) => Math.cos(i))
  const compiled = <M extends Model>(model: M): M => model.compile({ optimizer: 'adamw', loss: 'mse' }) as M

  test.each([
    ['as it is', (model: Model) => model],
    ['with adapters', (model: Model) => lora(model, { layers: ['trunk.attention', 'out'], rank: 2 })],
  ])('%s: the same bits on two threads and frozen', (_, prepare) => {
    const one = compiled(prepare(net()))
    const two = compiled(prepare(net({ threads: workers(2) })))
    const frozen = open(freeze(one, { train: [64] }), { modules: all })
    for (let step = 0; step < 3; step++) {
      const logs = one.trainStep(x, y)
      expect(two.trainStep(x, y)).toEqual(logs)
      expect(frozen.trainStep(x, y)).toEqual(logs)
    }
    for (const [name, { data }] of Object.entries(one.getWeights()))
      expect(two.getWeights()[name].data).toEqual(data)
  })
})
