// The quick way for a training step or a prediction like the one before: the bits and the errors of the whole way.
import { describe, expect, test } from 'vitest'
import { dense, input, type Model, model, sequential, tensor } from '../../src/index.ts'

const SIDE = 7
const numbers = (count: number, from: number) =>
  Float32Array.from({ length: count }, (_, i) => ((i * 37 + from) % 19) / 19)

const regression = (): ReturnType<typeof sequential> =>
  sequential({
    inputShape: [SIDE],
    layers: [dense({ units: 5, activation: 'tanh' }), dense({ units: 2 })],
    seed: 3,
  }).compile({ optimizer: 'adam', loss: 'mse' })

const classifier = (metrics: readonly 'accuracy'[] = []): Model =>
  sequential({ inputShape: [SIDE], layers: [dense({ units: 3, activation: 'softmax' })], seed: 3 }).compile({
    optimizer: 'adam',
    loss: 'sparseCategoricalCrossentropy',
    metrics,
  })

const weights = (of: Model) => Object.values(of.getWeights()).map(({ data }) => [...data])

/** In float64: never the quick way. */
const wide = (x: Float32Array) => Float64Array.from(x)

describe('the bits of the whole way', () => {
  const labels = (rows: number, from: number) => Int32Array.from({ length: rows }, (_, i) => (i + from) % 3)

  test.each([1, 4, 40])('float targets, %i rows', (rows) => {
    const [quick, whole] = [regression(), regression()]
    for (let step = 0; step < 6; step++) {
      const [x, y] = [numbers(rows * SIDE, step), numbers(rows * 2, step + 5)]
      expect(quick.trainStep(x, y)).toEqual(whole.trainStep(wide(x), y))
      expect(quick.session.last('train')?.repeat ?? null).not.toBeNull()
      expect(whole.session.last('train')?.repeat ?? null).toBeNull()
    }
    expect(weights(quick)).toEqual(weights(whole))
  })

  test('arrays with their shapes', () => {
    const [quick, whole] = [regression(), regression()]
    for (let step = 0; step < 6; step++) {
      const [x, y] = [numbers(4 * SIDE, step), numbers(8, step + 5)]
      expect(quick.trainStep(tensor(x, [4, SIDE]), { data: y, shape: [4, 2] })).toEqual(
        whole.trainStep(wide(x), y),
      )
      expect(quick.session.last('train')?.repeat ?? null).not.toBeNull()
    }
    expect(() => quick.trainStep(tensor(numbers(28, 0), [SIDE, 4]), numbers(8, 1))).toThrow(/expected shape/)
    expect(weights(quick)).toEqual(weights(whole))
  })

  test.each([[[]], [['accuracy']]] as const)('labels, metrics %o', (metrics) => {
    const [quick, whole] = [classifier(metrics), classifier(metrics)]
    for (const rows of [6, 6, 6, 2, 2, 6, 6]) {
      const [x, y] = [numbers(rows * SIDE, rows), labels(rows, rows)]
      expect(quick.trainStep(x, y)).toEqual(whole.trainStep(wide(x), y))
    }
    expect(weights(quick)).toEqual(weights(whole))
  })

  test('other runs, rates, losses and weights in between', () => {
    const [quick, whole] = [regression(), regression()]
    const [x, y] = [numbers(4 * SIDE, 1), numbers(8, 2)]
    const both = (act: (of: Model) => unknown) => {
      for (const of of [quick, whole]) act(of)
      for (let step = 0; step < 2; step++) expect(quick.trainStep(x, y)).toEqual(whole.trainStep(wide(x), y))
    }
    both(() => {})
    both((of) => of.predict(wide(x)))
    both((of) => {
      of.learningRate = 0.5
    })
    both((of) => of.setWeights({ 'dense_1/bias': numbers(5, 9) }))
    both((of) => of.setTrainable((layer) => layer === 'dense_2'))
    both((of) => of.compile({ optimizer: 'sgd', loss: 'mae' }))
    expect(weights(quick)).toEqual(weights(whole))
  })
})

describe('what is not alike', () => {
  test('NaN in x and in y: the message, and nothing has changed', () => {
    for (const rows of [4, 40]) {
      const of = regression()
      const [x, y] = [numbers(rows * SIDE, 1), numbers(rows * 2, 2)]
      of.trainStep(x, y)
      const before = weights(of)
      const bad = x.slice()
      bad[SIDE + 1] = Number.NaN
      expect(() => of.trainStep(bad, y)).toThrow(/^input .*: row 1 holds NaN/)
      const worse = y.slice()
      worse[5] = Number.NaN
      expect(() => of.trainStep(x, worse)).toThrow(/^target .*: row 2 holds NaN/)
      expect(weights(of)).toEqual(before)
      expect(of.trainStep(bad, y, { allowNaN: true }).loss).toBeNaN()
    }
  })

  test('a label out of range, sizes that do not fit', () => {
    const of = classifier()
    const [x, y] = [numbers(4 * SIDE, 1), Int32Array.of(0, 1, 2, 0)]
    of.trainStep(x, y)
    const before = weights(of)
    expect(() => of.trainStep(x, Int32Array.of(0, 1, 3, 0))).toThrow(/element 2 is 3/)
    expect(() => of.trainStep(x, Int32Array.of(0, 1))).toThrow(/rows/)
    expect(() => of.trainStep(numbers(5, 0), y)).toThrow(/multiple of 7/)
    for (const nothing of [null, undefined, 3])
      expect(() => of.trainStep(nothing as never, y)).toThrow(/trainStep: x: expected/)
    expect(weights(of)).toEqual(before)
    expect(of.trainStep(x, [0, 1, 2, 0]).loss).toBeGreaterThan(0)
  })

  test('a disposed model', () => {
    const of = regression()
    const [x, y] = [numbers(4 * SIDE, 1), numbers(8, 2)]
    of.trainStep(x, y)
    of.dispose()
    expect(() => of.trainStep(x, y)).toThrow(/disposed/)
  })

  test('several inputs go the whole way', () => {
    const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [2], name: 'b' })]
    const shared = dense({ units: 1 })
    const of = model({ inputs: { a, b }, outputs: { p: shared(a), q: shared(b) } }).compile({ loss: 'mse' })
    of.trainStep({ a: numbers(4, 1), b: numbers(4, 2) }, { p: numbers(2, 1), q: numbers(2, 2) })
    expect(of.session.last('train')?.repeat ?? null).toBeNull()
  })
})

describe('predictions', () => {
  test('the same numbers, whatever comes in between', () => {
    const [quick, whole] = [regression(), regression()]
    const both = (act: (of: Model) => unknown) => {
      for (const of of [quick, whole]) act(of)
      for (const rows of [1, 1, 40, 40, 1, 300, 300]) {
        const x = numbers(rows * SIDE, rows)
        const { shape, data } = quick.predict(x)
        expect(shape).toEqual([rows, 2])
        expect([...data]).toEqual([...whole.predict(wide(x)).data])
        expect([...quick.predict(tensor(x, [rows, SIDE])).data]).toEqual([...data])
        expect(whole.session.last('predict')?.prediction ?? null).toBeNull()
      }
    }
    both(() => {})
    both((of) => of.trainStep(wide(numbers(28, 1)), numbers(8, 2)))
    both((of) => of.setWeights({ 'dense_1/bias': numbers(5, 9) }))
    both((of) => of.compile({ optimizer: 'sgd', loss: 'mae' }))
  })

  test('is taken again, and gives arrays of its own', () => {
    const of = regression()
    const x = numbers(SIDE, 1)
    const first = of.predict(x)
    const known = of.session.last('predict')?.prediction ?? null
    expect(known).not.toBeNull()
    const second = of.predict(x)
    expect(of.session.last('predict')?.prediction ?? null).toBe(known)
    first.data.fill(0)
    expect([...second.data]).toEqual([...of.predict(x).data])
    of.compile({ loss: 'mae' })
    expect(of.session.last('predict')?.prediction ?? null).toBeNull()
  })

  test('NaN, sizes that do not fit, nothing at all, a disposed model', () => {
    const of = regression()
    const x = numbers(4 * SIDE, 1)
    of.predict(x)
    const bad = x.slice()
    bad[SIDE + 1] = Number.NaN
    expect(() => of.predict(bad)).toThrow(/^input .*: row 1 holds NaN/)
    expect(of.predict(bad, { allowNaN: true }).data[2]).toBeNaN()
    expect(() => of.predict(numbers(5, 0))).toThrow(/multiple of 7/)
    for (const nothing of [null, undefined, 3])
      expect(() => of.predict(nothing as never)).toThrow(/predict: x: expected/)
    of.dispose()
    expect(() => of.predict(x)).toThrow(/disposed/)
  })

  test('several outputs go the whole way', () => {
    const a = input({ shape: [2], name: 'a' })
    const of = model({ inputs: a, outputs: [dense({ units: 1 })(a), dense({ units: 3 })(a)] })
    for (let i = 0; i < 2; i++)
      expect(of.predict(numbers(4, 1)).map(({ shape }) => [...shape])).toEqual([
        [2, 1],
        [2, 3],
      ])
    expect(of.session.last('predict')?.prediction ?? null).toBeNull()
  })
})
