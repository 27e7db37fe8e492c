// Where batches come from: how rows are cut and shuffled, how an iterable is asked, ended and closed.
import { describe, expect, test } from 'vitest'
import { batchesSource, rowsSource, type Source, through } from '../../src/feed/source.ts'
import { dense, sequential } from '../../src/index.ts'
import type { Batch } from '../../src/rows/rows.ts'
import { Stop } from '../../src/rows/stop.ts'

const { session } = sequential({ inputShape: [1], layers: [dense({ units: 1 })], seed: 3 })
const turn = () => undefined
const batchOf = (...numbers: number[]): Batch => ({
  rows: numbers.length,
  x: [{ data: Float32Array.from(numbers), rows: numbers.length, shape: [1] }],
  ...{ y: [], weights: [] },
})
const ten = batchOf(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)

/** [from, to] of the pieces of one pass, or the rows of each. */
async function piecesOf(source: Source, number = 1): Promise<(readonly number[])[]> {
  const pieces: (readonly number[])[] = []
  await through(source.pass('fit', number, turn, []), async (pass) => {
    for (let piece = await pass.next(); piece; piece = await pass.next())
      pieces.push(piece.order ? [...piece.order.slice(piece.from, piece.to)] : [piece.from, piece.to])
  })
  return pieces
}

describe('rows in memory', () => {
  test('each batch takes the largest size that is left for it; the rest is one more, or dropped', async () => {
    const cases = [
      [
        [4],
        {},
        [
          [0, 4],
          [4, 8],
          [8, 10],
        ],
      ],
      [
        [4],
        { isRestDropped: true },
        [
          [0, 4],
          [4, 8],
        ],
      ],
      [
        [7, 2],
        {},
        [
          [0, 7],
          [7, 9],
          [9, 10],
        ],
      ],
      [
        [7, 3],
        { isRestDropped: true },
        [
          [0, 7],
          [7, 10],
        ],
      ],
      [[20], {}, [[0, 10]]],
      [[20], { isRestDropped: true }, []],
    ] as const
    for (const [sizes, options, wanted] of cases) {
      const source = rowsSource(session, ten, sizes, options)
      expect(await piecesOf(source)).toEqual(wanted)
      expect([source.steps, source.samples, source.batchSize]).toEqual([wanted.length, 10, sizes[0]])
    }
  })

  test('shuffled: every row once, in an order of the epoch', async () => {
    const source = rowsSource(session, ten, [4], { shuffle: true })
    const orders: number[][] = []
    for (let epoch = 0; epoch < 2; epoch++, session.epochCount++) {
      const pieces = await piecesOf(source)
      expect(pieces.map(({ length }) => length)).toEqual([4, 4, 2])
      orders.push(pieces.flat())
      expect(pieces.flat().sort((a, b) => a - b)).toEqual([...ten.x[0].data])
    }
    expect(orders[0]).not.toEqual(orders[1])
    session.epochCount = 0
    expect((await piecesOf(source)).flat()).toEqual(orders[0])
  })
})

describe('an iterable', () => {
  const reading = {
    *read(_: string, value: unknown) {
      yield
      return value as Batch
    },
  }
  const source = (batches: unknown, steps: number | null = null, passes = 1) =>
    batchesSource(session, batches as never, { ...reading, steps, passes })

  test('is asked for the next batch before the last one trains, and its buffers may be filled anew', async () => {
    const asked: number[] = []
    const buffer = batchOf(0)
    function* batches() {
      for (let i = 0; i < 3; i++) {
        asked.push(i)
        buffer.x[0].data[0] = i
        yield buffer
      }
    }
    const pass = await source(batches).pass('fit', 1, turn, [])
    const first = await pass.next()
    expect(asked).toEqual([0, 1])
    expect([...(first?.batch.x[0].data ?? [])]).toEqual([0])
    expect((await pass.next())?.name).toBe('fit, batch 2: ')
    expect((await pass.next())?.batch.x[0].data[0]).toBe(2)
    expect(await pass.next()).toBe(null)
  })

  test('is closed where a run ends early, and the error that ended it is told', async () => {
    const closed: string[] = []
    const iterable = (name: string) => ({
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: batchOf(1) }),
        return: () => ({ done: closed.push(name) > 0, value: undefined }),
      }),
    })
    const failing = new Error('mine')
    const work = async () => {
      throw failing
    }
    await expect(
      through(source(iterable('a')).pass('fit', 1, turn, []), async (pass) => {
        await pass.next()
        return work()
      }),
    ).rejects.toBe(failing)
    expect(closed).toEqual(['a'])
  })

  test('that ends before its steps, has no batches, or can be iterated once only', async () => {
    const list = [batchOf(1), batchOf(2)]
    await expect(piecesOf(source(list, 3))).rejects.toThrow('fit: the data ended after 2 of 3 batches')
    expect(await piecesOf(source(list, 1))).toHaveLength(1)
    await expect(piecesOf(source([]))).rejects.toThrow('fit: the data has no batches')
    await expect(piecesOf(source(list[Symbol.iterator](), null, 2))).rejects.toThrow(
      'fit: the data can be iterated only once',
    )
    const once = source(list[Symbol.iterator](), 1, 2)
    expect([(await piecesOf(once)).length, (await piecesOf(once, 2)).length]).toEqual([1, 1])
    await expect(piecesOf(source(5 as never))).rejects.toThrow(
      /^fit: batches must be an iterable or async iterable/,
    )
  })

  test('that never answers is left as soon as a signal aborts', async () => {
    const stop = new Stop()
    const pass = await source({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }).pass(
      'fit',
      1,
      turn,
      [stop],
    )
    const next = pass.next()
    stop.abort()
    expect(await next).toBe(undefined)
    await pass.close()
  })
})
