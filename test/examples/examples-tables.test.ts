// The own parts of the examples names and tabular, on inputs small enough to check by hand: how names become rows,
// what their loss is, how new ones are drawn, the linear baseline, the tables that come with the package.
import { describe, expect, test } from 'vitest'
import {
  alphabetOf,
  bigramLoss,
  characterCount,
  encodeNames,
  IGNORED,
  meanLoss,
  readNames,
} from '../../examples/names/data.ts'
import { inventNames } from '../../examples/names/invent.ts'
import { seededRandom, shuffled } from '../../examples/shared/random.ts'
import { fitLinear } from '../../examples/tabular/linear.ts'
import { questions, readTable, type Table } from '../../examples/tabular/tables.ts'
import { dense, embedding, heNormal, sequential, sparseCategoricalCrossentropy } from '../../src/index.ts'

const NAMES = ['ada', 'bo']
const ALPHABET = ['', 'a', 'b', 'd', 'o']

describe('names', () => {
  test('become rows between start and end, filled up with ignored targets', () => {
    expect(alphabetOf(NAMES)).toEqual(ALPHABET)
    const { x, y } = encodeNames(NAMES, ALPHABET, 5)
    expect([x.shape, y.shape]).toEqual([
      [2, 5],
      [2, 5],
    ])
    expect([...x.data]).toEqual([0, 1, 3, 1, 0, 0, 2, 4, 0, 0])
    expect([...y.data]).toEqual([1, 3, 1, 0, IGNORED, 2, 4, 0, IGNORED, IGNORED])
    expect(characterCount({ x, y })).toBe(7)
  })

  test('of the packaged list are lower-case letters and hyphens', () => {
    const { names, tooLongCount } = readNames('examples/names/names.txt', 12)
    expect(names.length + tooLongCount).toBe(8422)
    expect(names.every((name) => /^[a-z-]{2,12}$/.test(name))).toBe(true)
  })

  test('counted in pairs: one added to each count', () => {
    const set = encodeNames(NAMES, ALPHABET, 5)
    // start: a, b; a: d, end; b: o; d: a; o: end; over 5 characters each
    const p = [2 / 7, 2 / 7, 2 / 6, 2 / 7, 2 / 7, 2 / 6, 2 / 6]
    const expected = -p.reduce((sum, q) => sum + Math.log(q), 0) / 7
    expect(bigramLoss(set, set, 5)).toBeCloseTo(expected, 12)
  })

  test('the mean loss leaves out what is ignored, and is that of evaluate', async () => {
    const set = encodeNames(NAMES, ALPHABET, 5)
    const model = sequential({
      inputShape: [5],
      inputDtype: 'int32',
      layers: [embedding({ inputDim: 5, outputDim: 4 }), dense({ units: 5, kernelInitializer: heNormal() })],
      seed: 3,
    })
    const loss = sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: IGNORED })
    model.compile({ optimizer: 'sgd', loss })
    const own = meanLoss(model.predict(set.x).data, set, 5)
    expect((await model.evaluate(set.x, set.y, { batchSize: 1 })).loss).toBeCloseTo(own, 6)
    expect(meanLoss(new Float32Array(50), set, 5)).toBeCloseTo(Math.log(5), 12)
  })

  test('are invented from what the model expects, up to the end or the longest row', () => {
    // certain of the next character: start to b, b to o, o to end; and one that never ends
    const follow = (next: readonly number[]) => {
      const predict = ({ shape, data }: { shape: readonly number[]; data: Int32Array }) => {
        const logits = new Float32Array(data.length * 5).fill(-1e9)
        data.forEach((id, i) => {
          logits[i * 5 + next[id]] = 0
        })
        return { shape: [...shape, 5], data: logits }
      }
      return { predict } as unknown as Parameters<typeof inventNames>[0]
    }
    const options = { count: 2, steps: 4, alphabet: ALPHABET, temperature: 1, random: seededRandom(1) }
    expect(inventNames(follow([2, 0, 4, 0, 0]), options)).toEqual(['bo', 'bo'])
    expect(inventNames(follow([1, 1, 1, 1, 1]), options)).toEqual(['aaaa', 'aaaa'])
  })
})

describe('tables', () => {
  test('rows with a missing value are left out and counted', () => {
    const [cars, penguins] = questions.map(readTable)
    // 406 cars, of which 8 have no mileage and 6 others no horsepower; 344 penguins, 11 without a sex
    expect([cars.rowCount, cars.leftOutCount]).toEqual([392, 14])
    expect([penguins.rowCount, penguins.leftOutCount]).toEqual([333, 11])
    expect(cars.numbers[0]).toEqual([307, 130, 3504, 12, 1970])
    expect(cars.categories[1].values).toEqual(['Europe', 'Japan', 'USA'])
    expect([...cars.numbers, ...penguins.numbers].flat().every(Number.isFinite)).toBe(true)
    expect(penguins.targets.reduce((sum, male) => sum + male, 0)).toBe(168)
  })

  test('least squares finds the line that is there, a column that never changes notwithstanding', () => {
    const rows = Array.from({ length: 40 }, (_, row) => row)
    const ids = rows.map((row) => row % 3)
    const numbers = rows.map((row) => [row, (row * row) % 7, 5])
    const targets = rows.map((row) => 2 * numbers[row][0] - numbers[row][1] + [10, 20, 30][ids[row]])
    const categories = [{ name: 'kind', values: ['a', 'b', 'c'], ids }]
    const table: Table = { rowCount: 40, leftOutCount: 0, numbers, categories, targets }
    const predict = fitLinear(table, rows.slice(0, 30))
    for (const row of rows) expect(Math.abs(predict(row) - targets[row])).toBeLessThan(1e-3)
  })
})

test('shuffled lists keep their members, depend on the seed and leave the list as it is', () => {
  const list = Array.from({ length: 100 }, (_, i) => i)
  const [a, b, c] = [1, 1, 2].map((seed) => shuffled(list, seededRandom(seed)))
  expect(a).toEqual(b)
  expect(a).not.toEqual(c)
  expect([...a].sort((x, y) => x - y)).toEqual(list)
  expect(list[99]).toBe(99)
})
