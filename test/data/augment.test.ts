// Rows on their way into a model: splits, folds, batches, augmented images. Properties that the definitions give, and
// images small enough to work out by hand.
import { describe, expect, test } from 'vitest'
import { augmentImages, batches, gatherRows, kFold, trainTestSplit } from '../../src/data/index.ts'
import { dense, sequential, tensor } from '../../src/index.ts'
import { refused } from '../support/refused.ts'

const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b)
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('gatherRows', () => {
  test('takes rows of every kind of data', () => {
    const rows = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    expect(gatherRows(rows, [2, 0, 2])).toEqual({ shape: [3, 2], data: Float32Array.of(5, 6, 1, 2, 5, 6) })
    const bytes = { shape: [3], data: Uint8Array.of(7, 8, 9) }
    expect(gatherRows(bytes, Uint32Array.of(1))).toEqual({ shape: [1], data: Uint8Array.of(8) })
    expect(gatherRows(Int32Array.of(7, 8, 9), [2, 1])).toEqual(Int32Array.of(9, 8))
    expect(gatherRows([[1], [2]], [1, 1, 0])).toEqual([[2], [2], [1]])
    expect(gatherRows(['a', 'b'], [])).toEqual([])
  })

  test.each([3, -1, 0.5])('refuses row %f of 3', (index) => {
    refused(`gatherRows: index 0 must be a row number below 3; got ${index}`, () =>
      gatherRows([1, 2, 3], [index]),
    )
  })

  test.each([5, undefined, '01', new Set([0])])('refuses %o as row numbers', (indices) => {
    refused(/^gatherRows: indices must be a list of row numbers; got /, () =>
      gatherRows([1, 2], indices as never),
    )
  })
})

test('tensors whose data is not as long as their shape says are refused', () => {
  const x = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5) }
  const message = 'expected 6 elements for shape [2,3]; got 5'
  refused(`gatherRows: data: ${message}`, () => gatherRows(x, [0]))
  refused(`trainTestSplit: x: ${message}`, () => trainTestSplit(x, [1, 2]))
  refused(`trainTestSplit: y: ${message}`, () => trainTestSplit([1, 2], x))
  refused(`kFold: stratify: ${message}`, () => kFold(2, { folds: 2, stratify: x }))
  refused(`batches: x: ${message}`, () => batches({ x, y: [1, 2] }))
  refused(`batches: weights: ${message}`, () => batches({ x: [1, 2], y: [1, 2], weights: x }))
})

describe('trainTestSplit', () => {
  const x = tensor(upTo(20).map((i) => [i, -i]))
  const y = Int32Array.from(upTo(20))

  test.each<[object, number]>([
    [{}, 5],
    [{ testSize: 0.1 }, 2],
    [{ testSize: 0.11 }, 3], // rounded up
    [{ testSize: 7 }, 7],
  ])('%j: every row in one part, x and y together', (options, count) => {
    const { train, test: held } = trainTestSplit(x, y, options)
    expect(held.y.length).toBe(count)
    expect(sorted([...train.y, ...held.y])).toEqual(upTo(20))
    for (const part of [train, held]) {
      expect(part.x.shape).toEqual([part.y.length, 2])
      expect([...part.x.data]).toEqual([...part.y].flatMap((i) => [i, -i]))
    }
  })

  // 0.07 * 100 as float64 is above 7
  test.each([
    [100, 0.07, 7],
    [50, 0.14, 7],
    [100, 0.55, 55],
    [100, 0.555, 56],
  ])('of %i rows a decimal share of %f is what it says: %i', (rows, testSize, count) => {
    const all = upTo(rows)
    expect(trainTestSplit(all, all, { testSize }).test.x.length).toBe(count)
  })

  test('stratify: equal remainders go to the first class, whatever float64 makes of them', () => {
    const sizes = [2, 12, 6] // 6 rows of 20 are 0.6, 3.6 and 1.8; 3.6 - 3 as float64 is above 0.6
    const labels = sizes.flatMap((size, label) => new Array<number>(size).fill(label))
    const held = trainTestSplit(labels, labels, { testSize: 6, stratify: true }).test.y
    expect([0, 1, 2].map((label) => held.filter((own) => own === label).length)).toEqual([1, 3, 2])
  })

  test('is given by the seed, and shuffles', () => {
    const of = (seed: number) => [...trainTestSplit(x, y, { seed }).train.y]
    expect(of(1)).toEqual(of(1))
    expect(of(1)).not.toEqual(of(2))
    expect(of(1)).not.toEqual(sorted(of(1)))
  })

  test('stratify: every class in its share', () => {
    const labels = upTo(100).map((i) => (i % 10 === 0 ? 'rare' : i % 10 < 4 ? 'some' : 'many')) // 10, 30, 60
    const rows = Int32Array.from(upTo(100))
    const { test: held } = trainTestSplit(rows, rows, { testSize: 0.2, stratify: labels })
    const counts = (label: string) => held.y.filter((row) => labels[row] === label).length
    expect(['rare', 'some', 'many'].map(counts)).toEqual([2, 6, 12])
    const classes = Int32Array.from(upTo(9), (i) => i % 3) // 3 rows of each: 4 of 9 is 4/3 of each class
    const parts = trainTestSplit(rows.slice(0, 9), classes, { testSize: 4, stratify: true })
    expect(sorted([0, 1, 2].map((c) => parts.test.y.filter((label) => label === c).length))).toEqual([
      1, 1, 2,
    ])
  })

  test('stratify: what is left over goes to the largest remainders', () => {
    const labels = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2] // 3 of 10 are 1.5, 0.9 and 0.6 of them
    for (const seed of [0, 1, 2]) {
      const { test: held } = trainTestSplit(labels, labels, { testSize: 3, stratify: true, seed })
      expect(sorted(held.y as number[])).toEqual([0, 1, 2])
    }
  })

  test('several inputs and outputs, texts, tables and objects are split in the same way', () => {
    const numbers = upTo(20)
    const texts = numbers.map((i) => `t${i}`)
    const several = trainTestSplit(
      { a: x, b: texts },
      { n: numbers, m: Int32Array.from(numbers) },
      { seed: 4 },
    )
    for (const part of [several.train, several.test]) {
      expect(part.x.b).toEqual(part.y.n.map((i) => `t${i}`))
      expect([...part.y.m]).toEqual(part.y.n)
      expect(part.x.a).toEqual(gatherRows(x, part.y.n))
    }
    const table = { names: ['i', 'kind'], rows: numbers.map((i) => [String(i), i < 8 ? 'few' : 'many']) }
    const objects = table.rows.map(([i, kind]) => ({ i, kind }))
    const rows = trainTestSplit(table, { seed: 4, stratify: 'kind' })
    expect(rows.test.names).toEqual(table.names)
    expect(rows.test.rows.filter(([, kind]) => kind === 'few')).toHaveLength(2) // of 5
    const parts = trainTestSplit(objects, { seed: 4, stratify: 'kind' })
    expect(parts.test.map(({ i }) => i)).toEqual(rows.test.rows.map(([i]) => i))
    expect(trainTestSplit(texts).train).toHaveLength(15)
    const ordered = trainTestSplit(numbers, { shuffle: false, testSize: 0.3 })
    expect([ordered.train, ordered.test]).toEqual([upTo(14), upTo(20).slice(14)])
  })

  test('refuses parts that have not the same rows, and what can not be stratified', () => {
    refused('trainTestSplit: x: expected 20 rows of b, as of a; got 2', () =>
      trainTestSplit({ a: x, b: ['one', 'two'] }, upTo(20)),
    )
    refused('trainTestSplit: stratify needs shuffle; got shuffle: false', () =>
      trainTestSplit(x, upTo(20), { shuffle: false, stratify: true }),
    )
    refused(/^trainTestSplit: stratify: true takes the labels of y; without y, name a column/, () =>
      trainTestSplit([{ a: 1 }, { a: 2 }], { stratify: true }),
    )
    refused('trainTestSplit: stratify: unknown column "kin"; did you mean "kind"? Known: kind', () =>
      trainTestSplit([{ kind: 1 }, { kind: 2 }], { stratify: 'kin' }),
    )
    refused(
      /^trainTestSplit options? "testsize".*did you mean "testSize"|unknown trainTestSplit option/,
      () => trainTestSplit([1, 2, 3], { testsize: 0.5 } as never),
    )
  })

  test('the parts are data for fit and evaluate', async () => {
    const net = sequential({ inputShape: [2], layers: [dense({ units: 1 })] }).compile({ loss: 'mse' })
    const { train, test: held } = trainTestSplit(x, y)
    expect((await net.fit(train, { validationData: held })).val_loss).toHaveLength(1)
  })

  test('refuses what does not fit', () => {
    refused('trainTestSplit: expected 20 rows of y, as of x; got 3', () => trainTestSplit(x, [1, 2, 3]))
    const size = 'trainTestSplit: testSize must be a share between 0 and 1 or a number of rows'
    for (const testSize of [0, -1, 1.5])
      refused(`${size}; got ${testSize}`, () => trainTestSplit(x, y, { testSize }))
    refused(`${size}; got "0.5"`, () => trainTestSplit(x, y, { testSize: '0.5' } as object))
    refused('trainTestSplit: y must be a tensor, a typed array or a list; got undefined', () =>
      trainTestSplit(x, undefined as never),
    )
    refused('trainTestSplit: seed must be an integer >= 0; got -1', () => trainTestSplit(x, y, { seed: -1 }))
    refused('trainTestSplit: testSize must be less than all 20 rows; got 20', () =>
      trainTestSplit(x, y, { testSize: 20 }),
    )
    refused('trainTestSplit: expected 20 labels in stratify, one for each row; got 2', () =>
      trainTestSplit(x, y, { stratify: ['a', 'b'] }),
    )
    refused(/^trainTestSplit: stratify must be a number or string for each row/, () =>
      trainTestSplit(x, x, { stratify: true }),
    )
  })
})

describe('kFold', () => {
  test('every row is tested once; sizes differ by one at most', () => {
    const folds = kFold(23, { folds: 4, seed: 3 })
    expect(folds.map(({ test: held }) => held.length)).toEqual([6, 6, 6, 5])
    expect(sorted(folds.flatMap(({ test: held }) => [...held]))).toEqual(upTo(23))
    for (const { train, test: held } of folds) expect(sorted([...train, ...held])).toEqual(upTo(23))
    expect(kFold(23, { folds: 4, seed: 3 })).toEqual(folds)
    expect(kFold(23, { folds: 4, seed: 4 })).not.toEqual(folds)
  })

  test('stratify: the classes are spread alike, and the sizes still are', () => {
    const labels = upTo(23).map((i) => (i < 9 ? 0 : i < 16 ? 1 : 2)) // 9, 7, 7
    const folds = kFold(23, { folds: 4, stratify: labels })
    expect(sorted(folds.map(({ test: held }) => held.length))).toEqual([5, 6, 6, 6])
    for (const [label, least] of [
      [0, 2],
      [1, 1],
      [2, 1],
    ]) {
      for (const { test: held } of folds) {
        const count = held.filter((row) => labels[row] === label).length
        expect([least, least + 1]).toContain(count)
      }
    }
  })

  test('refuses fewer than two folds and more than rows', () => {
    for (const folds of [1, 5, 2.5])
      refused(`kFold: folds must be an integer from 2 to the 4 rows; got ${folds}`, () => kFold(4, { folds }))
    refused('kFold: count must be the number of rows, a positive integer; got 0', () => kFold(0))
    refused('kFold: count must be below 2^32; got 10000000000', () => kFold(1e10))
  })
})

describe('batches', () => {
  const x = tensor(upTo(10).map((i) => [i]))
  const y = Float32Array.from(upTo(10))

  test('cut the rows; each pass takes them all, in a new order given by the seed', () => {
    const make = () => batches({ x, y, weights: y, batchSize: 4, seed: 5 })
    const source = make()
    const passes = [0, 1].map(() => [...source])
    expect(source.steps).toBe(3)
    for (const pass of passes) {
      expect(pass.map((batch) => batch.x.shape)).toEqual([
        [4, 1],
        [4, 1],
        [2, 1],
      ])
      for (const batch of pass) {
        expect([...batch.y]).toEqual([...batch.x.data])
        expect(batch.weights).toEqual(batch.y)
      }
      expect(sorted(pass.flatMap((batch) => [...batch.y]))).toEqual(upTo(10))
    }
    expect(passes[0]).not.toEqual(passes[1])
    const again = make()
    expect([0, 1].map(() => [...again])).toEqual(passes)
  })

  test('shuffle false keeps the order; transform gets each batch and its number', () => {
    const numbers: number[] = []
    const source = batches({
      ...{ x, y, batchSize: 5, shuffle: false },
      transform(rows, at) {
        numbers.push(at)
        return Float32Array.from(rows.data, (value) => value * 2)
      },
    })
    expect([...source].map((batch) => [...batch.x])).toEqual([
      [0, 2, 4, 6, 8],
      [10, 12, 14, 16, 18],
    ])
    expect([...source]).toHaveLength(2)
    expect(numbers).toEqual([0, 1, 2, 3])
  })

  test('train as the same rows do', async () => {
    const make = () => sequential({ inputShape: [1], layers: [dense({ units: 1 })] }).compile({ loss: 'mse' })
    const nets = [make(), make()]
    await nets[0].fit(x, y, { epochs: 2, batchSize: 4, shuffle: false })
    await nets[1].fit(batches({ x, y, batchSize: 4, shuffle: false }), { epochs: 2 })
    expect(nets[1].getWeights()).toEqual(nets[0].getWeights())
  })

  test('refuses what does not fit', () => {
    refused('batches: expected 10 rows of y, as of x; got 2', () => batches({ x, y: [1, 2] }))
    refused('batches: batchSize must be a positive integer; got 0', () => batches({ x, y, batchSize: 0 }))
    refused('batches: shuffle must be a boolean; got "no"', () =>
      batches({ x, y, shuffle: 'no' as unknown as boolean }),
    )
    const data = 'must be a tensor, a typed array or a list; got undefined'
    refused(`batches: x ${data}`, () => batches({} as { x: number[]; y: number[] }))
    refused(`batches: y ${data}`, () => batches({ x: [1] } as { x: number[]; y: number[] }))
  })
})

describe('augmentImages', () => {
  const image = (rows: readonly (readonly number[])[], count = 1) => ({
    shape: [count, rows.length, rows[0].length, 1],
    data: Float32Array.from(new Array(count).fill(rows.flat()).flat()),
  })
  const parts = ({ shape, data }: { shape: readonly number[]; data: Float32Array }) =>
    upTo(shape[0]).map((i) =>
      String(data.slice((i * data.length) / shape[0], ((i + 1) * data.length) / shape[0])),
    )
  const small = image(
    [
      [1, 2],
      [3, 4],
    ],
    200,
  )

  test('without options copies', () => {
    const result = augmentImages()(small)
    expect(result).toEqual(small)
    expect(result.data).not.toBe(small.data)
  })

  test('flips about half of the images, exactly', () => {
    const count = (options: object, expected: string) => {
      const all = parts(augmentImages(options)(small))
      expect(new Set(all)).toEqual(new Set(['1,2,3,4', expected]))
      return all.filter((one) => one === expected).length
    }
    for (const flipped of [
      count({ flipHorizontal: true }, '2,1,4,3'),
      count({ flipVertical: true }, '3,4,1,2'),
    ]) {
      expect(flipped).toBeGreaterThan(70) // 100 in the mean, standard deviation 7
      expect(flipped).toBeLessThan(130)
    }
  })

  test('shifts by whole pixels, every shift there is, and fills with 0', () => {
    const dots = image(
      [
        [0, 0, 0],
        [0, 5, 6],
        [0, 0, 0],
      ],
      200,
    )
    const expected = new Set<string>()
    for (const down of [-1, 0, 1]) {
      for (const right of [-1, 0, 1]) {
        const shifted = new Array(9).fill(0)
        shifted[(1 + down) * 3 + 1 + right] = 5
        if (right < 1) shifted[(1 + down) * 3 + 2 + right] = 6
        expected.add(String(shifted))
      }
    }
    expect(new Set(parts(augmentImages({ shift: 1 })(dots)))).toEqual(expected)
    const sideways = parts(augmentImages({ shift: [0, 1] })(dots))
    expect(new Set(sideways)).toEqual(
      new Set(['0,0,0,0,5,6,0,0,0', '0,0,0,5,6,0,0,0,0', '0,0,0,0,0,5,0,0,0']),
    )
  })

  /** Bilinear sampling reproduces a plane exactly: the slopes of the result around its center are those of the map. */
  const size = 21
  const plane = (slopeY: number, slopeX: number) => ({
    shape: [40, size, size, 1],
    data: Float32Array.from({ length: 40 * size * size }, (_, i) => {
      const at = i % (size * size)
      return 100 + slopeY * Math.floor(at / size) + slopeX * (at % size)
    }),
  })
  const slopes = (data: Float32Array, row: number) => {
    const at = (y: number, x: number) => data[(row * size + y) * size + x]
    const middle = (size - 1) / 2
    return [at(middle + 1, middle) - at(middle, middle), at(middle, middle + 1) - at(middle, middle)]
  }

  test('turns within the angle, both ways, lengths kept', () => {
    const { data } = augmentImages({ rotation: 30, seed: 2 })(plane(0, 1))
    const angles = upTo(40).map((row) => {
      const [down, right] = slopes(data, row)
      expect(Math.hypot(down, right)).toBeCloseTo(1, 3)
      return (Math.atan2(down, right) * 180) / Math.PI
    })
    for (const angle of angles) expect(Math.abs(angle)).toBeLessThan(30.01)
    expect(Math.max(...angles)).toBeGreaterThan(15)
    expect(Math.min(...angles)).toBeLessThan(-15)
  })

  test('turns and shifts by huge numbers still give numbers', () => {
    const far = { rotation: 3e38, shift: Number.MAX_SAFE_INTEGER }
    for (const options of [far, { rotation: far.rotation }]) {
      const { data } = augmentImages(options)(plane(1, 1))
      expect(data.every((value) => value >= 0 && value < 141)).toBe(true) // 100 + 20 + 20 in the last corner
    }
  })

  test('zooms within its factors', () => {
    const { data } = augmentImages({ zoom: 0.5 })(plane(1, 2))
    const factors = upTo(40).map((row) => {
      const [down, right] = slopes(data, row)
      expect(right / down).toBeCloseTo(2, 2)
      return 1 / down
    })
    expect(Math.max(...factors)).toBeLessThan(1.51)
    expect(Math.max(...factors)).toBeGreaterThan(1.25)
    expect(Math.min(...factors)).toBeGreaterThan(0.49)
    expect(Math.min(...factors)).toBeLessThan(0.75)
  })

  test('adds noise of the given deviation', () => {
    const { data } = augmentImages({ noise: 0.1 })(plane(0, 0))
    const deviations = [...data].map((value) => value - 100)
    const mean = deviations.reduce((sum, d) => sum + d, 0) / data.length
    const variance = deviations.reduce((sum, d) => sum + d * d, 0) / data.length
    expect(Math.abs(mean)).toBeLessThan(0.004) // 5 standard errors of 17640 numbers
    expect(Math.sqrt(variance)).toBeCloseTo(0.1, 2)
  })

  test('moves all channels alike, and takes images without a channel axis', () => {
    const grey = { shape: [50, 2, 2], data: small.data.slice(0, 200) }
    const colors = {
      shape: [50, 2, 2, 3],
      data: Float32Array.from({ length: 600 }, (_, i) => grey.data[Math.floor(i / 3)] + 10 * (i % 3)),
    }
    const augment = augmentImages({ flipHorizontal: true, flipVertical: true })
    const moved = augment(grey)
    expect(moved.shape).toEqual([50, 2, 2])
    expect(augment(colors).data).toEqual(
      Float32Array.from({ length: 600 }, (_, i) => moved.data[Math.floor(i / 3)] + 10 * (i % 3)),
    )
  })

  test('is given by the seed and the number of the batch; bytes are taken too', () => {
    const of = (seed: number, at: number) =>
      parts(augmentImages({ seed, shift: 1, rotation: 10, noise: 0.1 })(small, at))
    expect(of(1, 0)).toEqual(of(1, 0))
    expect(of(1, 0)).not.toEqual(of(2, 0))
    expect(of(1, 0)).not.toEqual(of(1, 1))
    const bytes = { shape: small.shape, data: Uint8Array.from(small.data) }
    const options = { seed: 1, rotation: 10 }
    expect(augmentImages(options)(bytes)).toEqual(augmentImages(options)(small))
  })

  test('refuses bad options and what are no images', () => {
    refused('augmentImages: shift must be an integer >= 0, or two of them; got 0.5', () =>
      augmentImages({ shift: 0.5 }),
    )
    refused('augmentImages: shift must be an integer >= 0, or two of them; got 1e+308', () =>
      augmentImages({ shift: 1e308 }),
    )
    refused('augmentImages: zoom must be a number >= 0 and < 1; got 1', () => augmentImages({ zoom: 1 }))
    refused('augmentImages: flipHorizontal must be a boolean; got "yes"', () =>
      augmentImages({ flipHorizontal: 'yes' } as object),
    )
    refused('augmentImages: rotation must be a finite number >= 0; got -5', () =>
      augmentImages({ rotation: -5 }),
    )
    refused('augmentImages: expected a tensor [rows, height, width, channels]; got [2,2]', () =>
      augmentImages()(
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ),
    )
  })
})
