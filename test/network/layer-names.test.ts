// What layers without a name are called in the models they are in, and that weights find their layer from one model to
// another, in whatever order the models were made. Right weights are told by what the models compute: an autoencoder's
// output is its decoder's of its encoder's.
import { describe, expect, test } from 'vitest'
import {
  bidirectional,
  block,
  dense,
  type FloatArray,
  gru,
  input,
  type Layer,
  load,
  type Model,
  model,
  type Symbolic,
  sequential,
  timeDistributed,
  transfer,
} from '../../src/index.ts'
import { serveModels, workerModel } from '../../src/worker/index.ts'
import { refused } from '../support/refused.ts'

type Net = Model<Symbolic>
const namesOf = (net: Net) => net.layers.map(({ name }) => name)
const chain = (layers: readonly Layer[], inputShape: number[], seed = 0): Net =>
  sequential({ inputShape, layers, seed })
const numbers = (result: FloatArray) => [...result.data]

/** Every order of `items`. */
function orders<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, i) =>
    orders([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  )
}

// all widths are alike, so that no shape tells a wrong weight
const halves: Record<string, () => { first: Layer; second: Layer; shape: number[] }> = {
  dense: () => ({ first: dense({ units: 3 }), second: dense({ units: 3 }), shape: [3] }),
  'in timeDistributed': () => ({
    first: timeDistributed({ layer: dense({ units: 3 }) }),
    second: timeDistributed({ layer: dense({ units: 3 }) }),
    shape: [2, 3],
  }),
  'in bidirectional': () => {
    const both = () => bidirectional({ layer: gru({ units: 3, returnSequences: true }), mergeMode: 'sum' })
    return { first: both(), second: both(), shape: [2, 3] }
  },
  'in blocks': () => ({
    first: block({ layers: [dense({ units: 3 }), dense({ units: 3 })] }),
    second: block({ layers: [dense({ units: 3 }), dense({ units: 3 })] }),
    shape: [3],
  }),
}
const made = ['encoder', 'decoder', 'whole', 'whole again'] as const

describe.each(Object.keys(halves))('an autoencoder and its halves, %s', (form) => {
  test.each(orders(made).map((order) => order.join(', ')))('made as %s', (order) => {
    const { first, second, shape } = halves[form]()
    const parts = {
      encoder: [first],
      decoder: [second],
      whole: [first, second],
      'whole again': [first, second],
    }
    const nets = new Map<string, Net>()
    for (const [i, name] of order.split(', ').entries())
      nets.set(name, chain(parts[name as (typeof made)[number]], shape, i + 1))
    const [encoder, decoder, whole, again] = made.map((name) => nets.get(name) as Net)
    const size = shape.reduce((a, b) => a * b)
    const x = { shape: [2, ...shape], data: Float32Array.from({ length: 2 * size }, (_, i) => Math.sin(i)) }
    const composed = () => numbers(decoder.predict(encoder.predict(x)))

    expect(composed()).not.toEqual(numbers(whole.predict(x)))
    encoder.setWeights(whole.getWeights())
    decoder.setWeights(whole.getWeights())
    expect(composed()).toEqual(numbers(whole.predict(x)))

    expect(numbers(again.predict(x))).not.toEqual(numbers(whole.predict(x)))
    again.setWeights(whole.getWeights())
    expect(numbers(again.predict(x))).toEqual(numbers(whole.predict(x)))
    for (const net of [encoder, decoder, whole, again])
      expect(new Set(namesOf(net)).size).toBe(namesOf(net).length)
  })
})

test('the halves of a GAN, and a model that holds more', () => {
  const [g1, g2, d1, d2, more] = [1, 2, 3, 4, 5].map(() => dense({ units: 3, activation: 'tanh' }))
  const discriminator = chain([d1, d2], [3], 1)
  const gan = chain([g1, g2, d1, d2], [3], 2)
  const generator = chain([g1, g2], [3], 3)
  const longer = chain([g1, g2, d1, d2, more], [3], 4)
  const x = [[1, 2, 3]]
  for (const source of [gan, longer]) {
    generator.setWeights(source.getWeights())
    discriminator.setWeights(source.getWeights())
    const parts = numbers(discriminator.predict(generator.predict(x)))
    if (source === longer) gan.setWeights(longer.getWeights())
    expect(numbers(gan.predict(x))).toEqual(parts)
  }
})

test('a layer that is called twice, and one that two wholes share', () => {
  const [shared, a, b] = [dense({ units: 3 }), dense({ units: 3 }), dense({ units: 3 })]
  const twice = chain([a, shared, shared], [3], 1)
  const other = chain([b, shared], [3], 2)
  const alone = chain([shared], [3], 3)
  const x = [[1, -2, 3]]
  alone.setWeights(twice.getWeights())
  const [own, theirs] = [alone, twice].map((net) => Object.entries(net.getWeights()))
  expect(own.map(([, { data }]) => data)).toEqual(theirs.slice(2).map(([, { data }]) => data))
  // some of the other's weights are the shared layer's; b's are missing
  refused(/^unknown setWeights weight "lost\/kernel". Known: dense_1\/kernel, /, () =>
    other.setWeights({ 'lost/kernel': [0], ...alone.getWeights() }),
  )
  other.setWeights(alone.getWeights())
  const again = chain([b], [3], 4)
  again.setWeights(other.getWeights())
  expect(numbers(other.predict(x))).toEqual(numbers(alone.predict(again.predict(x))))
})

describe('names', () => {
  test('each model numbers layers that are new; building the same net again gives the same names and weights', () => {
    const build = () => chain([dense({ units: 3 }), dense({ units: 3 })], [3])
    const [one, two] = [build(), build()]
    expect(namesOf(one)).toEqual(['dense_1', 'dense_2'])
    expect(two.getWeights()).toEqual(one.getWeights())
  })

  test('a layer keeps its name in later models; new ones get the free numbers', () => {
    const [a, b, c] = [dense({ units: 3 }), dense({ units: 3 }), dense({ units: 3 })]
    expect(namesOf(chain([a, b], [3]))).toEqual(['dense_1', 'dense_2'])
    expect(namesOf(chain([b], [3]))).toEqual(['dense_2'])
    expect(namesOf(chain([c, b], [3]))).toEqual(['dense_1', 'dense_2'])
    expect(namesOf(chain([b, dense({ units: 3 })], [3]))).toEqual(['dense_2', 'dense_1'])
  })

  test('layers that were called the same get others, for good in models of both', () => {
    const [a, b] = [dense({ units: 3 }), dense({ units: 3 })]
    for (const layer of [a, b]) expect(namesOf(chain([layer], [3]))).toEqual(['dense_1'])
    expect(namesOf(chain([a, b], [3]))).toEqual(['dense_2', 'dense_3'])
    expect(namesOf(chain([a, b], [3]))).toEqual(['dense_2', 'dense_3'])
    expect(namesOf(chain([b, a], [3]))).toEqual(['dense_3', 'dense_2'])
    expect(namesOf(chain([a], [3]))).toEqual(['dense_1'])
  })

  test('a new number is above those of all models the layers were in', () => {
    const [a, b, c] = [dense({ units: 3 }), dense({ units: 3 }), dense({ units: 3 })]
    const first = chain([a, b], [3]) // dense_1, dense_2
    chain([dense({ units: 3 }), c], [3]) // c: dense_2
    const both = chain([b, c], [3])
    expect(namesOf(both)).toEqual(['dense_3', 'dense_4']) // not dense_1: that is a's
    refused(/dense_2\/kernel" may be of several layers/, () => both.setWeights(first.getWeights()))
  })

  test('a name that a caller gave, or an input’s, is no other layer’s', () => {
    const [a, b] = [dense({ units: 3 }), dense({ units: 3 })]
    chain([a], [3]) // dense_1
    expect(namesOf(chain([dense({ units: 3, name: 'dense_1' }), a], [3]))).toEqual(['dense_1', 'dense_2'])
    const named = input({ shape: [3], name: 'dense_1' })
    expect(namesOf(model({ inputs: named, outputs: b(a(named)) }))).toEqual(['dense_2', 'dense_3'])
  })

  test('a model that could not be made leaves no names', () => {
    const [a, b] = [dense({ units: 3 }), dense({ units: 3, tiedTo: 'lost' })]
    refused(/tied to lost/, () => chain([dense({ units: 3 }), a, b], [3]))
    expect(namesOf(chain([a], [3]))).toEqual(['dense_1'])
  })
})

test('a weight named twice is refused, and nothing is set', () => {
  const [a, b] = [dense({ units: 2 }), dense({ units: 2 })]
  const [first, second] = [chain([a], [2]), chain([b], [2])]
  const both = chain([a, b], [2])
  const given = { ...first.getWeights(), ...both.getWeights() }
  refused(/"dense_1\/kernel" and "dense_2\/kernel" are both the weight dense_1\/kernel$/, () =>
    first.setWeights(given),
  )
  second.setWeights({ 'dense_3/bias': [5, 6] })
  expect([...second.getWeights()['dense_1/bias'].data]).toEqual([5, 6])
})

test('files, transfer and workers keep names; a worker finds weights under other names as well', async () => {
  const [a, b] = [dense({ units: 3 }), dense({ units: 3 })]
  const [encoder, decoder] = [chain([a], [3], 1), chain([b], [3], 2)]
  const whole = chain([a, b], [3], 3)
  const loaded = load(whole.save()) as Net
  expect(namesOf(loaded)).toEqual(namesOf(whole))
  const next = transfer(whole as unknown as Model, { output: 'dense_2', head: [dense({ units: 1 })] })
  expect(next.layers.map(({ name }) => name)).toEqual(['dense_2', 'dense_3']) // dense_1 is the encoder's
  encoder.setWeights(next.getWeights())
  expect(encoder.getWeights()['dense_1/kernel']).toEqual(whole.getWeights()['dense_2/kernel'])

  const { port1: worker, port2: port } = new MessageChannel()
  serveModels({ port })
  const remote = await workerModel(decoder, { worker })
  await remote.setWeights(whole.getWeights())
  expect((await remote.getWeights())['dense_1/kernel']).toEqual(whole.getWeights()['dense_3/kernel'])
  await remote.close()
  worker.close()
})
