// Runs of more steps than 30, 31, 32 and almost 53 bits count: from files that say so, a few steps are trained on and
// compared with the formulas in float64.
import { describe, expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts'
import {
  accumulateGradients,
  adam,
  adamax,
  cosineDecay,
  dense,
  dropout,
  exponentialDecay,
  inverseSqrtDecay,
  linearWarmup,
  load,
  type Model,
  movingAverage,
  multiStepDecay,
  nadam,
  type Optimizer,
  radam,
  type Schedule,
  sequential,
  sgd,
  stepDecay,
} from '../../src/index.ts'

const COUNTS = [2 ** 30 - 2, 2 ** 31 - 2, 2 ** 32 - 2, 2 ** 53 - 3]

/** One weight w, from 1; x = 1, y = 0 and the loss w^2, so that its gradient is 2 w. */
const weightOf = (model: Model) => model.getWeights()['out/kernel'].data[0]
const oneWeight = (optimizer: Optimizer) =>
  sequential({
    inputShape: [1],
    layers: [dense({ units: 1, useBias: false, kernelInitializer: 'ones', name: 'out' })],
  }).compile({ optimizer, loss: 'mse' })

/** The model as if it had been trained for `stepCount` steps. */
function after(stepCount: number, model: Model): Model {
  const { tensors, metadata } = decodeSafetensors(model.save({ includeOptimizer: true }))
  const optimizerState = JSON.stringify({ ...JSON.parse(metadata.optimizerState), stepCount })
  return load(encodeSafetensors(tensors, { ...metadata, optimizerState }))
}
const stepsOf = (model: Model) =>
  JSON.parse(decodeSafetensors(model.save({ includeOptimizer: true })).metadata.optimizerState).stepCount

describe.each(COUNTS)('after %d steps', (count) => {
  // w -= rate m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + e), t so large that both powers are 0
  const moments = (steps: number, toStep: (m: number, v: number, g: number) => number) => {
    let [w, m, v] = [1, 0, 0]
    for (let i = 0; i < steps; i++) {
      const g = 2 * w
      m += 0.1 * (g - m)
      v += 0.001 * (g * g - v)
      w -= 0.01 * toStep(m, v, g)
    }
    return w
  }
  test.each([
    ['adam', adam({ learningRate: 0.01 }), moments(3, (m, v) => m / (Math.sqrt(v) + 1e-7))],
    ['radam', radam({ learningRate: 0.01 }), moments(3, (m, v) => m / (Math.sqrt(v) + 1e-7))],
    [
      'nadam', // its momentum has come to 0.9, the product of all to 0
      nadam({ learningRate: 0.01 }),
      moments(3, (m, v, g) => (0.9 * m + 0.1 * g) / (Math.sqrt(v) + 1e-7)),
    ],
  ])('%s goes on as in float64, and is saved and loaded', (name, optimizer, expected) => {
    const made = oneWeight(optimizer)
    if (name === 'nadam') made.session.engine.momentumProduct = 0
    const model = after(count, made)
    for (let i = 0; i < 2; i++) model.trainStep([[1]], [[0]])
    expect(stepsOf(model)).toBe(count + 2)
    const again = load(model.save({ includeOptimizer: true }))
    for (const each of [model, again]) {
      each.trainStep([[1]], [[0]])
      expect(weightOf(each)).toBeCloseTo(expected, 6)
      load(each.save({ includeOptimizer: true }))
    }
    expect(weightOf(again)).toBe(weightOf(model))
  })

  test('adamax: u takes the largest gradient', () => {
    const model = after(count, oneWeight(adamax({ learningRate: 0.01 })))
    model.trainStep([[1]], [[0]])
    expect(weightOf(model)).toBeCloseTo(1 - (0.01 * 0.2) / 2, 6)
  })

  test.each<[string, Schedule, (step: number) => number]>([
    ['inverseSqrtDecay', inverseSqrtDecay({ warmup: 1 }), (step) => 1 / Math.sqrt(step + 1)],
    [
      'linearWarmup, then stepDecay',
      linearWarmup({ steps: 10, after: stepDecay({ stepSize: 2 ** 29, gamma: 0.999 }) }),
      (step) => 0.999 ** Math.floor((step - 10) / 2 ** 29),
    ],
    [
      'multiStepDecay',
      multiStepDecay({ milestones: [count + 1, count + 2], gamma: 0.5 }),
      (step) => 0.5 ** (step - count),
    ],
    ['cosineDecay', cosineDecay({ steps: 100, minimum: 0.25 }), () => 0.25],
    ['exponentialDecay', exponentialDecay({ gamma: 0.5 }), () => 0],
  ])('%s', (_, schedule, rateAt) => {
    const model = after(count, oneWeight(sgd({ learningRate: 1, schedule })))
    let w = 1
    for (let i = 0; i < 3; i++) {
      model.trainStep([[1]], [[0]])
      w -= 2 * w * rateAt(count + i)
      const size = Math.max(Math.abs(w), 1e-6)
      expect(Math.abs(weightOf(model) - w) / size).toBeLessThan(1e-4)
    }
  })

  test('the weights take their averages at every third step', () => {
    const optimizer = sgd({
      learningRate: 0.25,
      ema: movingAverage({ momentum: 0.5, overwriteFrequency: 3 }),
    })
    const model = after(count, oneWeight(optimizer))
    let [w, average] = [1, 0]
    for (const step of [count + 1, count + 2]) {
      model.trainStep([[1]], [[0]])
      w /= 2
      average = (average + w) / 2
      if (step % 3 === 0) w = average
      expect(weightOf(model)).toBe(w)
    }
  })
})

// a dropped unit's bias has no gradient
test('dropout draws anew beyond 32 bits, as many times as there are steps and parts of steps', () => {
  const made = sequential({
    inputShape: [1],
    layers: [dense({ units: 256, biasInitializer: 'ones', name: 'out' }), dropout({ rate: 0.5 })],
  }).compile({ optimizer: sgd({ accumulation: accumulateGradients(2) }), loss: 'mse' })
  const ones = new Float32Array(256)
  const maskOf = (model: Model) =>
    model
      .gradients([[1]], ones)
      ['out/bias'].data.map((g) => Number(g !== 0))
      .join('')
  const masks = new Set<string>()
  const counts = [0, 1, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32, 2 ** 33, 2 ** 52, 2 ** 53 - 3]
  for (const count of counts) {
    const model = after(count, made)
    masks.add(maskOf(model))
    model.trainStep([[1]], ones) // the first half of a step
    masks.add(maskOf(model))
  }
  expect(masks.size).toBe(2 * counts.length)
  expect([...masks].every((mask) => /01|10/.test(mask))).toBe(true)
})
