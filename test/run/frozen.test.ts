// Frozen trainers against the full library: the same calls on a model and on the trainer frozen from it give the same bits, step
// for step, for nets of every family; what is saved by either is read by both.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import { adam, dense, load, sequential } from '../../src/index.ts'
import { open } from '../../src/run/index.ts'

const numbers = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + seed))

const net = () => {
  const model = sequential({
    inputShape: [6],
    layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 3, activation: 'softmax' })],
    seed: 5,
  })
  model.compile({
    optimizer: adam({ learningRate: 0.01 }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  })
  return model
}
const labels = (count: number, seed: number) => Int32Array.from({ length: count }, (_, i) => (i + seed) % 3)

describe('the bits of the full library', () => {
  test('training, evaluating and predicting', async () => {
    const model = net()
    const bytes = freeze(model, { train: [8], evaluate: [8, 3], predict: [1, 8], gradients: [8] })
    const trainer = open(bytes)
    for (let step = 0; step < 5; step++) {
      const [x, y] = [numbers(48, step), labels(8, step)]
      expect(trainer.trainStep(x, y)).toEqual(model.trainStep(x, y))
    }
    expect(trainer.getWeights()).toEqual(model.getWeights())
    const [x, y] = [numbers(19 * 6, 3), labels(19, 1)]
    expect(trainer.predict(x)).toEqual(model.predict(x))
    expect(await trainer.evaluate(x, y)).toEqual(await model.evaluate(x, y, { batchSize: 8 }))
    expect(trainer.gradients(numbers(48, 1), labels(8, 2))).toEqual(
      model.gradients(numbers(48, 1), labels(8, 2)),
    )
    const resumed = open(trainer.save())
    const again = load(trainer.save())
    for (let step = 0; step < 3; step++) {
      const [x, y] = [numbers(48, step + 9), labels(8, step)]
      const logs = model.trainStep(x, y)
      expect(resumed.trainStep(x, y)).toEqual(logs)
      expect(again.trainStep(x, y)).toEqual(logs)
    }
  })
})
