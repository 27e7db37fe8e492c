// What freeze refuses, and what a trainer answers to calls it can't do: the message names it and says what to do.
import { describe, expect, test } from 'vitest'
import { decodeSafetensors } from '../../src/formats/safetensors.ts'
import { type FreezeOptions, freeze } from '../../src/freeze/index.ts'
import { adam, auc, dense, input, load, model, sequential } from '../../src/index.ts'
import { open } from '../../src/run/index.ts'

const net = () =>
  sequential({
    inputShape: [2],
    layers: [dense({ units: 3, activation: 'tanh' }), dense({ units: 1 })],
  }).compile({
    optimizer: adam(),
    loss: 'mse',
  })
const opened = (options: FreezeOptions) => open(freeze(net(), options))
const x = [
  [1, 2],
  [3, 4],
  [5, 6],
]
const y = [1, 2, 3]

describe('freeze', () => {
  test('a model that was not compiled, for anything but predict', () => {
    const own = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
    for (const mode of ['train', 'evaluate', 'gradients'])
      expect(() => freeze(own, { [mode]: [1] })).toThrow(`freeze: ${mode}: the model isn't compiled`)
    expect(open(freeze(own)).predict([[1, 2]])).toEqual(own.predict([[1, 2]]))
  })

  test('axes of unknown length', () => {
    const own = sequential({ inputShape: [null, 2], layers: [dense({ units: 1 })] })
    expect(() => freeze(own)).toThrow(
      /^freeze: input .* has an axis of unknown length: make the model with the length/,
    )
  })

  test('metrics that JavaScript computes, by key; without them it is frozen', () => {
    const own = sequential({ inputShape: [2], layers: [dense({ units: 1, activation: 'sigmoid' })] })
    own.compile({ loss: 'binaryCrossentropy', metrics: ['accuracy', auc()] })
    expect(() => freeze(own, { train: [1] })).toThrow('freeze: metric auc is computed by JavaScript')
    freeze(own, { predict: [1] })
    const a = input({ shape: [2] })
    const two = model({
      inputs: a,
      outputs: { c: dense({ units: 1, activation: 'sigmoid' })(a), d: dense({ units: 1 })(a) },
    })
    two.compile({ loss: { c: 'binaryCrossentropy', d: 'mse' }, metrics: { c: [auc()] } })
    expect(() => freeze(two, { evaluate: [4] })).toThrow('freeze: metric c_auc is computed by JavaScript')
  })

  test('sizes that are none, options there are not, a model that was disposed', () => {
    for (const train of [[0], [1, 1], [1.5], 8, [-1]])
      expect(() => freeze(net(), { train } as never)).toThrow(
        'freeze: train must be a list of positive integers, each once',
      )
    expect(() => freeze(net(), { trian: [1] } as never)).toThrow(
      /unknown freeze option "trian"; did you mean "train"/,
    )
    const own = net()
    own.dispose()
    expect(() => freeze(own)).toThrow('this model was disposed')
  })

  test('the model is as it was', () => {
    const own = net()
    own.trainStep(x, y)
    const before = own.save({ includeOptimizer: true })
    freeze(own, { train: [2], evaluate: [3], predict: [1] })
    expect(own.save({ includeOptimizer: true })).toEqual(before)
    expect(own.trainStep(x, y)).toEqual(load(before).trainStep(x, y))
  })
})

describe('a trainer', () => {
  test('a batch size that was not frozen: which ones were', async () => {
    const trainer = opened({ train: [2, 8], evaluate: [2] })
    expect(() => trainer.trainStep(x, y)).toThrow(
      /^no program for train with inputs \[3,2\]: batch sizes frozen for it are 2, 8; freeze\(model, \{ train: \[3\] \}\) makes one$/,
    )
    expect(() => trainer.gradients(x, y)).toThrow(
      /no program for gradients .*: batch sizes frozen for it are none/,
    )
    await expect(trainer.evaluate(x, y)).rejects.toThrow(
      'evaluate: 3 rows in batches of 2 leave 1 over: freeze(model, { evaluate: [2, 1] }), or pass fewer rows',
    )
    await expect(opened({}).evaluate(x, y)).rejects.toThrow(
      'evaluate: 3 rows fill no frozen batch: freeze(model, { evaluate: [3] }), or pass fewer rows',
    )
    expect(() => opened({ predict: [] }).predict(x)).toThrow(
      /no program for predict .*: batch sizes frozen for it are none/,
    )
  })

  test('NaN by its row, in the rows that run padded as well; data of another shape', () => {
    const trainer = opened({ train: [3], predict: [2] })
    const bad = [...x, [7, 8], [NaN, 1]]
    expect(() => trainer.predict(bad)).toThrow(/^input .*: row 4 holds NaN \(pass allowNaN: true/)
    expect(() => trainer.predict([...x, [NaN, 8]])).toThrow(/row 3 holds NaN/)
    const before = trainer.save()
    expect(() => trainer.trainStep(x, [1, 2, NaN])).toThrow(/^target .*: row 2 holds NaN/)
    expect(() => trainer.trainStep([[1], [2], [3]], y)).toThrow(
      /^trainStep: x: expected shape \[batch,2\]; got \[3,1\]/,
    )
    expect(() => trainer.trainStep(x, [1, 2])).toThrow(/^trainStep: x has 3 rows; trainStep: y has 2/)
    expect(() => trainer.setWeights({ 'dense_1/kernel': [1, 2] })).toThrow(
      /^setWeights: dense_1\/kernel: expected shape/,
    )
    const kernel = [
      [1, 2, 3],
      [4, 5, 6],
    ]
    expect(() => trainer.setWeights({ 'dense_1/kernel': kernel, 'dense_9/kernel': kernel })).toThrow(
      /dense_9\/kernel/,
    )
    expect(trainer.save()).toEqual(before)
  })

  test('what was not compiled has no rate and no step', () => {
    const trainer = open(freeze(sequential({ inputShape: [2], layers: [dense({ units: 1 })] })))
    const message = "the model wasn't compiled when it was frozen: compile it, and freeze it again"
    expect(() => trainer.learningRate).toThrow(message)
    expect(() => {
      trainer.learningRate = 1
    }).toThrow(message)
    expect(() => trainer.trainStep(x, y)).toThrow(message)
  })

  test('after dispose', async () => {
    const trainer = opened({ train: [3], evaluate: [3] })
    trainer.dispose()
    trainer.dispose()
    const calls: readonly (() => unknown)[] = [
      () => trainer.trainStep(x, y),
      () => trainer.evaluate(x, y),
      () => trainer.predict(x),
      () => trainer.gradients(x, y),
      () => trainer.getWeights(),
      () => trainer.setWeights({ 'dense_1/bias': [1, 2, 3] }),
      () => trainer.save(),
    ]
    for (const call of calls)
      await expect((async () => call())()).rejects.toThrow('this trainer was disposed')
  })

  test('saved without the state of the optimizer it holds none of it, and starts anew', () => {
    const own = net()
    own.trainStep(x, y)
    const trainer = open(freeze(own, { train: [3], includeOptimizer: true }))
    const bytes = trainer.save({ includeOptimizer: false })
    const { tensors, metadata } = decodeSafetensors(bytes)
    expect([...tensors.keys()].filter((name) => name.startsWith('optimizer/'))).toEqual([])
    expect(metadata.optimizerState).toBe(undefined)
    const anew = net()
    anew.setWeights(own.getWeights())
    const pairs = [
      [trainer, own],
      [open(bytes), anew],
      [load(bytes), anew],
    ] as const
    const wanted = [own, anew].map((one) => Array.from({ length: 2 }, () => one.trainStep(x, y).loss))
    for (const [one, like] of pairs)
      expect(Array.from({ length: 2 }, () => one.trainStep(x, y).loss)).toEqual(wanted[like === own ? 0 : 1])
  })
})
