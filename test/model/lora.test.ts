// Adapters: what trains, what their files hold, what merging gives, models within models, and what is refused. Their numbers beside
// PyTorch's are in test/layers/reweighted.test.ts.
import { describe, expect, test } from 'vitest'
import {
  dense,
  flatten,
  groupedQueryAttention,
  load,
  loadLora,
  lora,
  type Model,
  mergeLora,
  rotaryEmbedding,
  saveLora,
  sequential,
  spectralNormalization,
  tensor,
  weightNormalization,
} from '../../src/index.ts'
import { near } from '../support/torch-cases.ts'

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

describe('models within a model', () => {
  const net = () => {
    const heads = { numQueryHeads: 4, numKeyValueHeads: 2, keyDim: 2, name: 'attention' }
    const inner = [
      groupedQueryAttention({ ...heads, rotary: rotaryEmbedding() }),
      spectralNormalization({ layer: dense({ units: 8 }), name: 'spectral' }),
      weightNormalization({ layer: dense({ units: 64, activation: 'tanh' }), name: 'normed' }),
    ]
    const trunk = sequential({ inputShape: [6, 8], layers: inner, name: 'trunk' })
    return sequential({ inputShape: [6, 8], layers: [trunk, dense({ units: 2, name: 'out' })], seed: 4 })
  }
  const [x, y] = [3072, 768].map((length) => Float32Array.from({ length }, (_, i) => Math.sin(i)))
  const compiled = <M extends Model>(model: M): M => model.compile({ optimizer: 'adamw', loss: 'mse' }) as M

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
