// Inputs with an axis of unknown length (null): each length is planned on its own, the weights are the same; targets
// must have the length of their x.
import { describe, expect, test } from 'vitest'
import { dense, sequential, tensor } from '../../src/index.ts'
import { refused } from '../support/refused.ts'

const net = sequential({
  inputShape: [null, 3],
  layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 2 })],
  seed: 3,
}).compile({ loss: 'mse' })

const filled = (shape: number[]) => {
  const count = shape.reduce((product, n) => product * n, 1)
  return tensor(
    Float32Array.from({ length: count }, (_, i) => ((i * 29) % 17) / 8 - 1),
    shape,
  )
}

describe('an axis of unknown length', () => {
  test('is printed as such', () => {
    expect(net.summary()).toContain('[batch,any,4]')
  })

  test.each([1, 4, 7])('length %d: each position as if it stood alone', (length) => {
    const x = filled([2, length, 3])
    const { shape, data } = net.predict(x)
    expect(shape).toEqual([2, length, 2])
    expect(data).toEqual(net.predict(tensor(x.data, [2 * length, 1, 3])).data)
  })

  test('trains on batches of different lengths', () => {
    const target = (length: number) => tensor(new Float32Array(4 * length).fill(0.5), [2, length, 2])
    const before = net.trainStep(filled([2, 5, 3]), target(5)).loss
    for (let i = 0; i < 200; i++) net.trainStep(filled([2, 3 + (i % 4), 3]), target(3 + (i % 4)))
    expect(net.trainStep(filled([2, 5, 3]), target(5)).loss).toBeLessThan(before / 2)
  })

  test('refuses a target of another length than its x', () => {
    const message = 'target dense_2: expected shape [2,5,2] for this x; got [2,4,2]'
    refused(message, () => net.trainStep(filled([2, 5, 3]), filled([2, 4, 2])), net)
  })

  test('refuses flat arrays, which tell no length', () => {
    const message = "predict: x: a flat array can't tell its shape; expected a tensor of shape [batch,any,3]"
    refused(message, () => net.predict(new Float32Array(12)))
  })
})
