// Means of weights of several models.
import { expect, test } from 'vitest'
import { averageWeights, dense, sequential, tensor } from '../../src/index.ts'

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
