// Adapters, normalized kernels and attention against PyTorch in float64 (torch/reweighted.py made the numbers): outputs, the
// gradient of mean(y^2) by every trained weight, and spectral normalization's vectors after two training steps.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  additiveAttention,
  attention,
  averageWeights,
  conv2d,
  dense,
  einsumDense,
  type FloatArray,
  flatten,
  groupedQueryAttention,
  input,
  type Layer,
  load,
  loadLora,
  lora,
  type Model,
  mergeLora,
  model,
  rotaryEmbedding,
  saveLora,
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

describe('adapters', () => {
  const base = () =>
    sequential({
      inputShape: [32],
      layers: [dense({ units: 64, activation: 'relu', name: 'a' }), dense({ units: 8, name: 'b' })],
    })
  const x = tensor(
    Float32Array.from({ length: 128 }, (_, i) => ((i * 37) % 61) / 30 - 1),
    [4, 32],
  ) as never
  const y = tensor(
    Float32Array.from({ length: 32 }, (_, i) => ((i * 17) % 13) / 6 - 1),
    [4, 8],
  ) as never

  test('they alone train; saved apart they come back; merged they predict the same', () => {
    const start = base()
    const net = lora(start, { layers: ['a'], rank: 2 })
    expect(net.predict(x).data).toEqual(start.predict(x).data)
    net.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
    for (let step = 0; step < 20; step++) net.trainStep(x, y)
    const changed = Object.entries(net.getWeights()).filter(
      ([name, { data }]) => String(start.getWeights()[name]?.data) !== String(data),
    )
    expect(changed.map(([name]) => name)).toEqual(['a/kernel_lora_a', 'a/kernel_lora_b'])
    const predicted = net.predict(x).data
    expect(predicted).not.toEqual(start.predict(x).data)
    const bytes = saveLora(net)
    expect(bytes.length).toBeLessThan(1500)
    expect(loadLora(start, bytes).predict(x).data).toEqual(predicted)
    const merged = mergeLora(net)
    expect(merged.layers.map(({ kind }) => kind)).toEqual(['dense', 'dense'])
    near(merged.predict(x).data, predicted as never, 'merged')
  })

  test('what does not fit is refused by name', () => {
    expect(() => lora(base(), { layers: ['c'] })).toThrow(/unknown layer "c"/)
    const flat = sequential({ inputShape: [4], layers: [flatten({ name: 'f' })] })
    expect(() => lora(flat, { layers: ['f'] })).toThrow('layer f has no kernel; no layer has')
    expect(() => lora(base(), { layers: [] })).toThrow(/one layer with a kernel/)
    expect(() => lora(base(), { rank: 0 })).toThrow(/lora: rank/)
    expect(() => lora(lora(base()))).toThrow(/layer a has adapters already/)
    expect(() => mergeLora(base())).toThrow(/a model with adapters/)
    expect(() => loadLora(base(), base().save())).toThrow(/not a file of adapters/)
    const other = sequential({ inputShape: [3], layers: [dense({ units: 64, name: 'a' })] })
    expect(() => loadLora(other, saveLora(lora(base(), { layers: ['a'] })))).toThrow(/a\/kernel_lora_a/)
  })
})

test('averageWeights: a float64 mean by shares', () => {
  const [a, b] = [
    [1, 2],
    [4, 8],
  ].map((data) => ({ 'l/bias': tensor(Float32Array.from(data), [2]) })) as never[]
  expect([...averageWeights([a, b], [2, 1])['l/bias'].data]).toEqual([2, 4])
  expect([...averageWeights([a, b])['l/bias'].data]).toEqual([2.5, 5])
  const nets = [1, 5].map((value) => {
    const net = sequential({ inputShape: [1], layers: [dense({ units: 1, name: 'l' })] })
    net.setWeights({ 'l/kernel': [[value]] })
    return net
  })
  expect([...averageWeights(nets, [300, 100])['l/kernel'].data]).toEqual([2])
  expect(() => averageWeights([a, b], [1, -1])).toThrow(/averageWeights: shares/)
  expect(() => averageWeights([a, { other: tensor([1], [1]) as never }])).toThrow(
    /models\[1\] has other weights/,
  )
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

  test('a model within the model means all its layers with a kernel', () => {
    const inside = net().layers.flatMap(({ name }) => (name.startsWith('trunk.') ? name : []))
    const kinds = (model: Model) => model.layers.map(({ name, kind }) => `${name} ${kind}`)
    const named = lora(net(), { layers: ['trunk'], rank: 2 })
    expect(kinds(named)).toEqual(kinds(lora(net(), { layers: (name) => inside.includes(name), rank: 2 })))
    expect(kinds(named).filter((text) => text.endsWith(' adapted'))).not.toEqual([])
  })

  test('a layer to which another one is tied is refused, also within a model', () => {
    const layers = [dense({ units: 3, name: 'a' }), dense({ units: 4, tiedTo: 'a', name: 'b' })]
    const inner = sequential({ inputShape: [4], layers, name: 'inner' })
    const outer = sequential({ inputShape: [4], layers: [inner, dense({ units: 3, name: 'a' })] })
    expect(() => lora(inner, { layers: ['a'] })).toThrow(/layer b is tied to the kernel of a,/)
    expect(() => lora(outer, { layers: ['inner.a'] })).toThrow(
      /layer inner.b is tied to the kernel of inner.a,/,
    )
    expect(lora(outer, { layers: ['a'] }).layers.map(({ kind }) => kind)).toEqual([
      'dense',
      'dense',
      'adapted',
    ])
  })

  test('adapters leave models within the model as they are, and so does merging', () => {
    const base = net()
    const adapted = compiled(lora(base, { rank: 2 }))
    adapted.trainStep(x, y)
    const merged = mergeLora(adapted)
    for (const model of [adapted, load(adapted.save()), merged, loadLora(base, saveLora(adapted))])
      expect(model.summary()).toContain('trunk (model)')
    near(merged.predict(x).data, adapted.predict(x).data, 'merged')
    expect(loadLora(base, saveLora(adapted)).getWeights()['out/kernel_lora_b']).toEqual(
      adapted.getWeights()['out/kernel_lora_b'],
    )
  })
})
