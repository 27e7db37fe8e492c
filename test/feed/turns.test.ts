// A long fit gives the event loop its turns from the first moment on: while rows are shuffled and their type is
// converted, too. Bounds are wide (a busy machine), far below what each of those would take in one piece.
import { expect, test } from 'vitest'
import { dense, sequential, tensor } from '../../src/index.ts'
import { permutation, permuting } from '../../src/numerics/random.ts'

test('a permutation in pieces is the same permutation', () => {
  const pieces = permuting(100_000, 4, 5)
  let count = 0
  let last = pieces.next()
  for (; !last.done; last = pieces.next()) count++
  expect(count).toBeGreaterThan(1)
  expect(last.value).toEqual(permutation(100_000, 4, 5))
})

test('a fit of many bytes ticks on while it starts', async () => {
  const rows = 2_000_000
  const net = sequential({ inputShape: [1], layers: [dense({ units: 1 })] }).compile({ loss: 'mse' })
  const x = new Uint8Array(rows)
  const y = new Float32Array(rows)
  const stop = new AbortController()
  let ticks = 0
  const tick = () => {
    ticks++
    if (!stop.signal.aborted) setImmediate(tick)
  }
  setImmediate(tick)
  const callbacks = [{ onBatchEnd: () => stop.abort() }] // the first step ends it: all ticks before are the start's
  await net.fit(x, tensor(y, [rows, 1]), { batchSize: 1024, callbacks, signal: stop.signal })
  stop.abort()
  expect(ticks).toBeGreaterThan(5)
})

test('bytes, integers and doubles train as the same floats do', () => {
  const values = [0, 1, 2, 3, 250, 7]
  const kinds = [Float32Array, Float64Array, Uint8Array, Int16Array, Int32Array]
  const losses = kinds.map((Kind) => {
    const net = sequential({ inputShape: [2], layers: [dense({ units: 1 })], seed: 1 }).compile({
      loss: 'mse',
    })
    net.trainStep(Kind.from(values), Kind.from([1, 0, 3]))
    net.setWeights({ 'dense_1/bias': Kind.from([2]) })
    return net.trainStep(Kind.from(values), Kind.from([1, 0, 3])).loss
  })
  expect(new Set(losses).size).toBe(1)
  expect(losses[0]).toBeGreaterThan(0)
})
