// One arena: which programs are kept and when one is made anew, what weights survive, what is fed and refused. The programs come
// from a model; how often they are asked for is counted here.
import { expect, test } from 'vitest'
import { dense, dropout, sequential } from '../../src/index.ts'
import type { Batch } from '../../src/rows/rows.ts'

function counted() {
  const own = sequential({
    inputShape: [2],
    layers: [dense({ units: 3 }), dropout({ rate: 0.5 }), dense({ units: 1 })],
  })
  own.compile({ optimizer: 'adam', loss: 'mse' })
  const { session } = own
  const made: string[] = []
  const maker = session as unknown as { make(request: { mode: string; rows: number }): unknown }
  const make = maker.make.bind(session)
  maker.make = (request) => {
    made.push(`${request.mode} ${request.rows}`)
    return make(request)
  }
  return { own, session, made }
}
const batchOf = (rows: number): Batch => ({
  rows,
  x: [{ data: new Float32Array(2 * rows), rows, shape: [2] }],
  y: [{ data: new Float32Array(rows), rows, shape: [1] }],
  weights: [null],
})

test('a program is made once for each mode, size of batch and form of weights, and the last 64 are kept', () => {
  const { session, made } = counted()
  const first = session.prepareFor('train', batchOf(2), 2)
  expect(session.prepareFor('train', batchOf(5), 2)).toBe(first)
  session.prepareFor('evaluate', batchOf(2), 2)
  const weights = [{ data: new Float32Array(2), rows: 2, shape: [] }]
  expect(session.prepareFor('train', { ...batchOf(2), weights }, 2)).not.toBe(first)
  expect(made).toEqual(['train 2', 'evaluate 2', 'train 2'])
  expect(session.last('train')?.weights[0]).toBeDefined()
  for (let rows = 10; rows < 73; rows++) session.prepareFor('predict', batchOf(rows), rows)
  expect(session.prepareFor('train', { ...batchOf(2), weights }, 2)).toBeDefined()
  expect(made).toHaveLength(66)
  expect(session.prepareFor('train', batchOf(2), 2)).not.toBe(first)
  expect(made.at(-1)).toBe('train 2')
})

test('weights stay where the arena is laid out anew, and the optimizer starts anew', () => {
  const { own, session } = counted()
  own.trainStep([[1, 2]], [1])
  const before = own.getWeights()
  expect(session.engine.stepCount).toBe(1)
  own.compile({ optimizer: 'sgd', loss: 'mse' })
  expect(own.getWeights()).toEqual(before)
  expect([session.engine.stepCount, session.last('train'), session.optimizerSlots().size]).toEqual([
    0,
    null,
    0,
  ])
})

test('what is fed is checked for NaN by row of the data, through the order of rows', () => {
  const { session } = counted()
  const batch = batchOf(4)
  batch.x[0].data[7] = NaN
  const prepared = session.prepareFor('train', batch, 2)
  const order = Uint32Array.of(0, 1, 2, 3)
  session.feed(prepared, batch, order, 0, 2, false)
  expect(() => session.feed(prepared, batch, order, 2, 4, false)).toThrow(/: row 3 holds NaN/)
  expect(() => session.feed(prepared, batch, Uint32Array.of(3, 0), 0, 2, false)).toThrow(/: row 3 holds NaN/)
  session.feed(prepared, batch, order, 2, 4, true)
  expect(() => session.feed(prepared, batch, null, 0, 3, true)).toThrow(
    /expected shape \[2,2\] for this x; got \[3,2\]/,
  )
})

test('each prediction as in training draws anew, without moving what training draws', () => {
  const [a, b] = [counted().own, counted().own]
  const x = [
    [1, 2],
    [3, 4],
  ]
  const drawn = [1, 2].map(() => a.predict(x, { training: true }).data.join())
  expect(drawn[0]).not.toBe(drawn[1])
  expect(a.trainStep(x, [1, 2])).toEqual(b.trainStep(x, [1, 2]))
})

test('after dispose nothing is given, and what waits is ended', () => {
  const { session } = counted()
  session.dispose()
  expect(session.disposing.aborted).toBe(true)
  expect(() => session.engine).toThrow('this model was disposed')
})
