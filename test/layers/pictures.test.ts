// Merges that broadcast, activations as layers and layers of pictures against PyTorch in float64 (torch/pictures.py made the
// numbers): outputs, gradients by inputs and weights; saved and loaded, frozen, on two threads; what is refused.
import { describe, expect, test } from 'vitest'
import {
  activation,
  add,
  average,
  input,
  type Layer,
  type Model,
  maximum,
  minimum,
  model,
  multiply,
  relu,
  softmax,
  subtract,
} from '../../src/index.ts'
import { workers } from '../../src/threads/index.ts'
import { refused } from '../support/refused.ts'
import { splitAll } from '../support/split-all.ts'
import { expectSameBits, expectTorch, type TorchCase, torchCases } from '../support/torch-cases.ts'

const cases = torchCases('pictures.json')

/** The layer of each case. */
const layers: Readonly<Record<string, Layer>> = {
  'multiply cells by channels': multiply(),
  'add rows and numbers': add(),
  'subtract from fewer axes': subtract(),
  'average of three': average(),
  maximum: maximum(),
  minimum: minimum(),
  'relu 0.75': relu({ maxValue: 0.75 }),
  'relu slope 0.1': relu({ maxValue: 2, negativeSlope: 0.1 }),
  'relu above 1': relu({ threshold: 1 }),
  'relu of all': relu({ maxValue: 3, negativeSlope: 0.25, threshold: 0.5 }),
  'softmax of axis 1': softmax({ axis: 1 }),
  'softmax of axes 1 and 3': softmax({ axis: [3, 1] }),
  'hard sigmoid of slope 0.2': activation({ activation: { name: 'hardSigmoid', alpha: 0.2 } }),
  'hard sigmoid': activation({ activation: 'hardSigmoid' }),
}

function netOf(layer: Layer, { x }: TorchCase, options: object = {}): Model {
  const inputs = x.map(({ shape }, i) => input({ shape: shape.slice(1), name: `x${i + 1}` }))
  return model({ inputs, outputs: layer(inputs), ...options }) as Model
}

test('every case has its layer', () => expect(Object.keys(layers)).toEqual(Object.keys(cases)))

test.each(Object.keys(cases))('as PyTorch: %s', (own) => {
  expectTorch(netOf(layers[own], cases[own]), cases[own])
})

test.each(Object.keys(cases))('frozen and on two threads: %s', async (own) => {
  const [net, threaded] = [{}, { threads: workers(2) }].map((options) =>
    netOf(layers[own], cases[own], options),
  )
  splitAll(threaded.session.engine)
  await expectSameBits(net, threaded, cases[own])
})

describe('refused', () => {
  const of = (layer: Layer, ...shapes: readonly number[][]) => {
    const inputs = shapes.map((shape) => input({ shape }))
    return model({ inputs, outputs: layer(inputs) })
  }

  test.each<[string | RegExp, () => unknown]>([
    ['relu: maxValue must be a finite number >= 0 or null; got -1', () => relu({ maxValue: -1 })],
    ['relu: negativeSlope must be a finite number >= 0; got -0.5', () => relu({ negativeSlope: -0.5 })],
    ['relu: threshold must be a finite number >= 0; got "1"', () => relu({ threshold: '1' as never })],
    [/^unknown relu option "maxvalue"; did you mean "maxValue"\?/, () => relu({ maxvalue: 1 } as object)],
    [
      'softmax: axis must be an integer other than 0 (the batch) or a list of such; got 0',
      () => softmax({ axis: 0 }),
    ],
    [/^softmax: axis must be/, () => softmax({ axis: [] })],
    [
      /hardSigmoid: alpha must be a finite number >= 0; got -1/,
      () => activation({ activation: { name: 'hardSigmoid', alpha: -1 } }),
    ],
    [
      'layer add_1: expected inputs of one shape, or of shapes that broadcast; got [1,4,3] and [1,4]',
      () => of(add(), [4, 3], [4]),
    ],
    [
      'layer softmax_1: expected different axes of an input of rank 3; got [1,-2]',
      () => of(softmax({ axis: [1, -2] }), [4, 3]),
    ],
    [
      'layer softmax_1: expected different axes of an input of rank 2; got [2]',
      () => of(softmax({ axis: 2 }), [4]),
    ],
  ])('%s', (message, make) => refused(message, make))
})
