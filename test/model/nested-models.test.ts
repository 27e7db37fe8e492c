// Models within models: names, shared weights, saving, freezing, cutting. The numbers are held to the same network written with
// its layers alone, whose weights are set to be the same.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze'
import {
  add,
  batchNormalization,
  concatenate,
  dense,
  dropout,
  embedding,
  input,
  load,
  lstm,
  Model,
  model,
  sequential,
  transfer,
} from '../../src/index'
import { open } from '../../src/run'
import { all } from '../../src/run/modules'

const x = [
  [1, 2, 3, 4],
  [0, -1, 2, 1],
  [3, 1, 0, -2],
]
const y = [[1], [0], [2]]

const encoder = (name?: string) =>
  sequential({
    inputShape: [4],
    layers: [
      dense({ units: 3, activation: 'tanh' }),
      batchNormalization(),
      dropout({ rate: 0.5 }),
      dense({ units: 2 }),
    ],
    seed: 3,
    ...(name !== undefined && { name }),
  })

describe('called as a layer', () => {
  test('layers are named after the model and start from its weights', () => {
    const inner = encoder('encoder')
    inner.compile({ loss: 'meanSquaredError' })
    inner.trainStep(x, [
      [1, 0],
      [0, 1],
      [1, 1],
    ])
    const outer = sequential({ inputShape: [4], layers: [inner, dense({ units: 1 })] })
    const weights = outer.getWeights()
    for (const [name, { data }] of Object.entries(inner.getWeights()))
      expect(weights[`encoder.${name}`].data).toEqual(data)
    expect(outer.layers.map(({ name }) => name)).toContain('encoder.dense_2')
    expect(inner).toBeInstanceOf(Model)
  })

  test('without a name it gets one, as layers do', () => {
    const a = input({ shape: [4] })
    const net = model({ inputs: a, outputs: add()(encoder()(a), encoder()(a)) })
    expect(net.layers.map(({ name }) => name)).toContain('model_2.dense_1')
  })

  test('called twice it shares its weights: the same training as layers that are called twice', () => {
    const inner = encoder('shared')
    const a = input({ shape: [4], name: 'a' })
    const b = input({ shape: [4], name: 'b' })
    const nested = model({
      inputs: [a, b],
      outputs: dense({ units: 1, name: 'out' })(concatenate()(inner(a), inner([b]))),
    })
    const layers = [
      dense({ units: 3, activation: 'tanh', name: 'shared.dense_1' }),
      batchNormalization({ name: 'shared.batchNormalization_1' }),
      dropout({ rate: 0.5, name: 'shared.dropout_1' }),
      dense({ units: 2, name: 'shared.dense_2' }),
    ]
    const chain = (from: typeof a) => layers.reduce((value, layer) => layer(value), from)
    const flat = model({
      inputs: [a, b],
      outputs: dense({ units: 1, name: 'out' })(concatenate()(chain(a), chain(b))),
    })
    flat.setWeights(nested.getWeights())
    for (const net of [nested, flat]) {
      net.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
      for (let step = 0; step < 5; step++) net.trainStep([x, x], y)
    }
    expect(Object.keys(nested.getWeights())).toEqual(Object.keys(flat.getWeights()))
    for (const [name, { data }] of Object.entries(nested.getWeights()))
      expect(flat.getWeights()[name].data).toEqual(data)
  })

  test('several inputs and outputs come in the form the model has', () => {
    const a = input({ shape: [2], name: 'a' })
    const b = input({ shape: [3], name: 'b' })
    const two = model({
      inputs: { a, b },
      outputs: { sum: dense({ units: 2 })(concatenate()(a, b)), a: dense({ units: 1 })(a) },
    })
    const p = input({ shape: [2] })
    const q = input({ shape: [3] })
    const { sum, a: one } = two(p, q)
    const net = model({ inputs: [p, q], outputs: concatenate()(sum, one) })
    expect(net.predict([[[1, 2]], [[1, 2, 3]]]).shape).toEqual([1, 3])
    expect(() => two(p)).toThrow('model takes 2 values (a, b); got 1')
    const named = two({ b: q, a: p })
    const again = model({ inputs: [p, q], outputs: concatenate()(named.sum, named.a) })
    again.setWeights(net.getWeights())
    expect(again.predict([[[1, 2]], [[1, 2, 3]]])).toEqual(net.predict([[[1, 2]], [[1, 2, 3]]]))
    expect(() => two({ a: p, c: q })).toThrow('model: expected a, b; got "c"')
    expect(() => two({ a: p })).toThrow('model: b is missing')
    expect(() => two({ a: p, b: 3 as never })).toThrow(
      'must be called on values of input() or of layers; got 3',
    )
  })

  test('what only leads to outputs that nobody uses is left out', () => {
    const a = input({ shape: [2] })
    const h = dense({ units: 3, name: 'trunk' })(a)
    const outputs = { one: dense({ units: 1, name: 'one' })(h), two: dense({ units: 2, name: 'two' })(h) }
    const heads = model({ inputs: a, outputs, name: 'heads' })
    const names = (net: Model) => net.layers.map(({ name }) => name)
    const x = input({ shape: [2] })
    const half = model({ inputs: x, outputs: heads(x).two })
    expect(names(half)).toEqual(['heads.trunk', 'heads.two'])
    expect(half.predict([[1, 2]])).toEqual(heads.predict([[1, 2]]).two)
    // each call has the head that it is used for; a call of a layer has a number where the layer is called again
    const both = model({ inputs: x, outputs: concatenate()(heads(x).one, heads(x).two) })
    expect(names(both)).toEqual(['heads.trunk', 'heads.one', 'heads.two', 'concatenate_1'])
    const again = load(both.save())
    expect(again.predict([[1, 2]])).toEqual(both.predict([[1, 2]]))
    expect(again.summary()).toBe(both.summary())
    expect(both.summary()).toMatch(/^heads#2 \(model\)/m)
  })

  test('it is called as it is then: what trains, and which weights it starts from', () => {
    const inner = sequential({ inputShape: [2], layers: [dense({ units: 2, name: 'd' })], name: 'inner' })
    const x = input({ shape: [2] })
    inner.setTrainable(() => false)
    const y = inner(x)
    inner.setTrainable(() => true)
    expect(model({ inputs: x, outputs: y }).layers.map(({ trainable }) => trainable)).toEqual([false])
    expect(model({ inputs: x, outputs: add()(y, inner(x)) }).layers).toHaveLength(2)
  })

  test('tied weights and masks hold within the model', () => {
    const inner = sequential({
      inputShape: [5],
      inputDtype: 'int32',
      layers: [
        embedding({ inputDim: 7, outputDim: 4, maskZero: true, name: 'words' }),
        lstm({ units: 4 }),
        dense({ units: 7, tiedTo: 'words' }),
      ],
      name: 'language',
    })
    const outer = sequential({ inputShape: [5], inputDtype: 'int32', layers: [inner, dense({ units: 2 })] })
    const ids = Int32Array.of(1, 2, 3, 0, 0)
    const head = outer.getWeights()
    const logits = inner.predict(ids).data
    const { data } = outer.predict(ids)
    const kernel = head['dense_1/kernel'].data
    for (const unit of [0, 1]) {
      let sum = head['dense_1/bias'].data[unit]
      logits.forEach((logit, i) => {
        sum += logit * kernel[2 * i + unit]
      })
      expect(data[unit]).toBeCloseTo(sum, 5)
    }
    expect(load(outer.save()).predict(ids).data).toEqual(data)
  })
})

describe('what else is done with it', () => {
  const nested = () => {
    const inner = sequential({
      inputShape: [4],
      layers: [encoder('encoder'), dense({ units: 4 })],
      name: 'trunk',
    })
    return sequential({ inputShape: [4], layers: [inner, encoder('second'), dense({ units: 1 })] })
  }

  test('summary calls a value by who makes it, also where a model hands it through', () => {
    const [p, q] = [input({ shape: [3], name: 'p' }), input({ shape: [3], name: 'q' })]
    const gate = model({ inputs: [p, q], outputs: [p, dense({ units: 2 })(add()(p, q))], name: 'gate' })
    const a = input({ shape: [3], name: 'a' })
    const [through, made] = gate(a, dense({ units: 3 })(a))
    const net = model({ inputs: a, outputs: concatenate()(through, made) })
    const rows = net.summary().split('\n')
    const inputsOf = (layer: string) => rows.find((row) => row.startsWith(layer))?.split(/ {2,}/)
    expect(inputsOf('dense_1')).toEqual(['dense_1 (dense)', '[batch,3]', '12', '48', 'a'])
    expect(inputsOf('gate')).toEqual(['gate (model)', '[batch,2]', '8', '32', 'a, dense_1'])
    expect(inputsOf('concatenate')?.at(-1)).toBe('a, gate:1')
  })

  test('summary shows one row, or one for each layer', () => {
    const net = nested()
    const lines = net.summary().split('\n')
    expect(lines.filter((line) => line.includes('(dense)'))).toHaveLength(1)
    expect(lines.find((line) => line.startsWith('trunk (model)'))).toMatch(
      /^trunk \(model\) +\[batch,4\] +47 +188 +input$/,
    )
    expect(lines.find((line) => line.startsWith('second (model)'))).toMatch(/ trunk$/)
    expect(net.summary({ expandNested: true })).toContain('trunk.encoder.dense_1 (dense)')
    expect(lines.at(-1)).toBe(net.summary({ expandNested: true }).split('\n').at(-1))
  })

  test('a file keeps the structure, and training goes on bit for bit', () => {
    const net = nested()
    net.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
    net.trainStep(x, y)
    const again = load(net.save({ includeOptimizer: true }))
    expect(again.summary()).toBe(net.summary())
    expect(again.trainStep(x, y)).toEqual(net.trainStep(x, y))
    const outer = sequential({ inputShape: [4], layers: [again] })
    expect(outer.layers[0].name).toBe('model_1.trunk.encoder.dense_1')
    expect(outer.predict(x).data).toEqual(net.predict(x).data)
  })

  test('it is frozen as a whole, but for what is named itself', () => {
    const net = nested()
    net.setTrainable({ trunk: false, 'trunk.dense_1': true })
    expect(net.layers.filter(({ trainable }) => trainable).map(({ name }) => name)).toEqual([
      'trunk.dense_1',
      ...['dense_1', 'batchNormalization_1', 'dropout_1', 'dense_2'].map((name) => `second.${name}`),
      'dense_1',
    ])
    const flags = { 'trunk.encoder': true, trunk: false } // the inmost model counts, whatever the order
    for (const given of [flags, Object.fromEntries(Object.entries(flags).reverse())]) {
      const { layers } = nested().setTrainable(given)
      const trained = layers.filter(({ name, trainable }) => name.startsWith('trunk.') && trainable)
      expect(trained.map(({ name }) => name)).toEqual(
        ['dense_1', 'batchNormalization_1', 'dropout_1', 'dense_2'].map((name) => `trunk.encoder.${name}`),
      )
    }
    expect(() => net.setTrainable({ trank: false })).toThrow('did you mean "trunk"')
    const inner = encoder('encoder')
    inner.setTrainable(() => false)
    expect(sequential({ inputShape: [4], layers: [inner] }).layers.every(({ trainable }) => !trainable)).toBe(
      true,
    )
  })

  test('it is cut and frozen ahead of time', () => {
    const net = nested()
    const next = transfer(net, { output: 'second.dense_2', head: [dense({ units: 5 })] })
    expect(next.summary()).toContain('trunk (model)')
    expect(next.getWeights()['trunk.encoder.dense_1/kernel']).toEqual(
      net.getWeights()['trunk.encoder.dense_1/kernel'],
    )
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' })
    const trainer = open(freeze(net, { train: [3] }), { modules: all })
    expect(trainer.trainStep(x, y)).toEqual(net.trainStep(x, y))
  })

  test('weights go to and from models that have the layers by themselves', () => {
    const inner = encoder('encoder')
    const outer = sequential({ inputShape: [4], layers: [inner] })
    outer.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
    outer.trainStep(x, [
      [1, 0],
      [0, 1],
      [1, 1],
    ])
    inner.setWeights(outer.getWeights())
    expect(inner.predict(x).data).toEqual(outer.predict(x).data)
  })
})

describe('what is refused', () => {
  test.each([
    [
      'another shape',
      () => sequential({ inputShape: [5], layers: [encoder('encoder')] }),
      'model encoder takes [batch,4] and is called on input, which is [batch,5]',
    ],
    [
      'no value',
      () => (encoder('encoder') as (x: unknown) => unknown)([[1, 2, 3, 4]]),
      'model encoder must be called on values of input() or of layers',
    ],
    ['a name with a dot', () => encoder('a.b'), "sequential: name can't hold a dot"],
    ['a name with a slash', () => encoder('a/b'), 'sequential: name must be up to 128 characters'],
    [
      'two models of one name',
      () => sequential({ inputShape: [4], layers: [encoder('a'), dense({ units: 4 }), encoder('a')] }),
      'layers or inputs are named "a"',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message)
  })

  test('a disposed model', () => {
    const inner = encoder('encoder')
    inner.dispose()
    expect(() => sequential({ inputShape: [4], layers: [inner] })).toThrow('this model was disposed')
  })

  test.each([
    [
      'calls',
      [{ name: 'm', calls: ['no'], inputs: [], outputs: [] }],
      'model m names "no", which is not in the network',
    ],
    ['outputs', [{ name: 'm', calls: [], inputs: [], outputs: ['no'] }], 'model m names "no"'],
    [
      'a shape',
      [{ name: 'm', calls: [], inputs: [{ value: 'input', shape: 'x' }], outputs: [] }],
      'shape of an input of model m',
    ],
    ['a number', 3, 'models must be a list of objects'],
  ])('a file that lies about %s', (_, models, message) => {
    const net = sequential({ inputShape: [4], layers: [encoder('encoder')] })
    const file = net.save()
    const length = new DataView(file.buffer).getUint32(0, true)
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)))
    const network = JSON.parse(header.__metadata__.network)
    header.__metadata__.network = JSON.stringify({ ...network, models })
    const text = new TextEncoder().encode(JSON.stringify(header))
    const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(32)
    padded.set(text)
    const bytes = new Uint8Array(8 + padded.length + file.length - 8 - length)
    new DataView(bytes.buffer).setUint32(0, padded.length, true)
    bytes.set(padded, 8)
    bytes.set(file.subarray(8 + length), 8 + padded.length)
    expect(() => load(bytes)).toThrow(message)
  })
})
