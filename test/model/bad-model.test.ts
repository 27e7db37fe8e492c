// What callers get wrong when they describe or compile a model: each is refused by a LanegradError that names the
// layer or option, what was expected and what came, with the nearest known name; compile that fails changes nothing.
import { describe, expect, test } from 'vitest'
import {
  activation,
  adam,
  add,
  average,
  block,
  type CompileOptions,
  concatenate,
  type DenseOptions,
  dense,
  dropout,
  exponentialDecay,
  flatten,
  huber,
  input,
  type Layer,
  layerNormalization,
  maxNorm,
  model,
  movingAverage,
  multiply,
  optimizers,
  permute,
  rescaling,
  reshape,
  type Symbolic,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  subtract,
  timeDistributed,
} from '../../src/index.ts'
import { refused } from '../support/refused.ts'

const chain = (...layers: Layer[]) => sequential({ inputShape: [3], layers })
const shaped = (shape: number[]) => input({ shape })
const denseWith = (options: object) => () => dense({ units: 2, ...options } as DenseOptions)
const compiled = (options: object) => () =>
  chain(dense({ units: 2 })).compile({ loss: 'mse', ...options } as CompileOptions)

describe('unknown names come with the nearest known one', () => {
  test.each<[string, RegExp, () => unknown]>([
    [
      'activation',
      /^dense: unknown activation "rleu"; did you mean "relu"\? Known: linear, /,
      denseWith({ activation: 'rleu' }),
    ],
    [
      'activation in another case',
      /^dense: unknown activation "ReLU"; did you mean "relu"\?/,
      denseWith({ activation: 'ReLU' }),
    ],
    ['activation that is no name', /^dense: unknown activation 3\. Known: /, denseWith({ activation: 3 })],
    [
      'activation by object',
      /^dense: unknown activation "eluu"; did you mean "elu"\?/,
      denseWith({ activation: { name: 'eluu' } }),
    ],
    [
      'initializer',
      /^dense: unknown kernelInitializer "glorotUnifrom"; did you mean "glorotUniform"\?/,
      denseWith({ kernelInitializer: 'glorotUnifrom' }),
    ],
    [
      'loss',
      /^unknown loss "meanSquareError"; did you mean "meanSquaredError"\?/,
      compiled({ loss: 'meanSquareError' }),
    ],
    ['loss far from any', /^unknown loss "l2"\. Known: meanSquaredError, /, compiled({ loss: 'l2' })],
    ['optimizer', /^unknown optimizer "adm"; did you mean "adam"\?/, compiled({ optimizer: 'adm' })],
    [
      'optimizer by object',
      /^unknown optimizer "adan"; did you mean "adam"\?/,
      compiled({ optimizer: { kind: 'adan' } }),
    ],
    [
      'optimizer of a list',
      /^unknown optimizer \["sgd"\]\. Known: /,
      compiled({ optimizer: { kind: ['sgd'] } }),
    ],
    ['metric', /^unknown metric "acuracy"; did you mean "accuracy"\?/, compiled({ metrics: ['acuracy'] })],
    ['dense option', /^unknown dense option "unit"; did you mean "units"\?/, denseWith({ unit: 3 })],
    [
      'compile option',
      /^unknown compile option "losses"; did you mean "loss"\?/,
      compiled({ losses: 'mse' }),
    ],
    [
      'optimizer option',
      /^unknown sgd option "learningrate"; did you mean "learningRate"\?/,
      () => sgd({ learningrate: 1 } as object),
    ],
    [
      'optimizer as an object with a name',
      /^unknown optimizer \{ name, lr \}; did you mean "adam"\? Known: /,
      compiled({ optimizer: { name: 'adam', lr: 0.1 } }),
    ],
    [
      'loss option',
      /^unknown sparseCategoricalCrossentropy option "fromLogit"; did you mean "fromLogits"\?/,
      () => sparseCategoricalCrossentropy({ fromLogit: true } as object),
    ],
    [
      'input option',
      /^unknown input option "shap"; did you mean "shape"\?/,
      () => input({ shap: [2] } as never),
    ],
    [
      'model option',
      /^unknown model option "output"; did you mean "outputs"\?/,
      () => model({ inputs: shaped([1]), output: 1 } as never),
    ],
    [
      'sequential option',
      /^unknown sequential option "layer"; did you mean "layers"\?/,
      () => sequential({ inputShape: [1], layer: [] } as never),
    ],
    [
      'regularizer option',
      /^dense: unknown kernelRegularizer option "L2"; did you mean "l2"\?/,
      denseWith({ kernelRegularizer: { L2: 1 } }),
    ],
  ])('%s', (_, message, call) => {
    refused(message, call)
  })
})

describe('a model where a layer is wanted', () => {
  const other = chain(dense({ units: 3 }))
  const is = 'a model (it is called on values: model(x))'
  const call = (name: string) => `layer ${name} must be called on values of input() or of layers; got ${is}`
  test.each<[string, () => unknown]>([
    [`block: layers[0] must be a layer; got ${is}`, () => block({ layers: [other as never] })],
    [`timeDistributed: layer must be a layer; got ${is}`, () => timeDistributed({ layer: other as never })],
    [call('dense'), () => dense({ units: 1 })(other as never)],
    [call('sum'), () => add({ name: 'sum' })([shaped([3]), other as never])],
  ])('%s', (message, build) => {
    refused(message, build)
  })
})

describe('numbers that float32 does not hold', () => {
  test.each<[string, () => unknown]>([
    [
      'rescaling: scale must be a finite number or a list of one for each channel; got 1e+39',
      () => rescaling({ scale: 1e39 }),
    ],
    [
      'dense: kernelRegularizer: l2 must be a finite number >= 0 as float32; got 1e+39',
      denseWith({ kernelRegularizer: { l2: 1e39 } }),
    ],
    [
      'adam: weightDecay must be a finite number >= 0 as float32; got 1e+300',
      () => adam({ weightDecay: 1e300 }),
    ],
    [
      'sgd: learningRate must be a finite number >= 0 as float32; got 1e-50',
      () => sgd({ learningRate: 1e-50 }),
    ],
    [
      'sgd: learningRate must be a finite number >= 0 as float32; got 1e+60',
      () => sgd({ learningRate: 1e60 }),
    ],
    ['sgd: clipNorm must be a finite number > 0 as float32; got 1e-50', () => sgd({ clipNorm: 1e-50 })],
    [
      'movingAverage: momentum must be a number >= 0 and < 1 as float32; got 0.99999999',
      () => movingAverage({ momentum: 0.99999999 }),
    ],
    [
      'dropout: rate must be a number >= 0 and < 1 as float32; got 0.99999999',
      () => dropout({ rate: 0.99999999 }),
    ],
    ['huber: delta must be a finite number > 0 as float32; got 1e-46', () => huber({ delta: 1e-46 })],
    [
      'layerNormalization: epsilon must be a finite number > 0 as float32; got 1e-50',
      () => layerNormalization({ epsilon: 1e-50 }),
    ],
    [
      'dense: activation leakyRelu: alpha must be a finite number >= 0 as float32; got 1e+39',
      denseWith({ activation: { name: 'leakyRelu', alpha: 1e39 } }),
    ],
    [
      'constant: value must be a finite number as float32; got -1e+39',
      denseWith({ biasInitializer: { kind: 'constant', value: -1e39 } }),
    ],
    [
      'maxNorm: maxValue must be a finite number >= 0 as float32; got 1e+39',
      () => maxNorm({ maxValue: 1e39 }),
    ],
    [
      'exponentialDecay: gamma must be a finite number > 0 as float32; got 1e+39',
      () => exponentialDecay({ gamma: 1e39 }),
    ],
    [
      'loss weight of dense_1 must be a finite number as float32; got 1e+39',
      compiled({ lossWeights: [1e39] }),
    ],
    [
      'sparseCategoricalCrossentropy: ignoreIndex must be an integer of 32 bits or null; got 4294967296',
      () => sparseCategoricalCrossentropy({ ignoreIndex: 2 ** 32 }),
    ],
  ])('%s', (message, call) => {
    refused(message, call)
  })

  test('what kernels take in float64 stays as fine as it is', () => {
    expect(adam({ beta2: 0.99999999 })).toMatchObject({ beta2: 0.99999999 })
    expect(sgd({ learningRate: 0, weightDecay: 1e-30 })).toMatchObject({
      learningRate: 0,
      weightDecay: 1e-30,
    })
  })
})

describe('options out of range', () => {
  test.each<[string, () => unknown]>([
    ['dense: units must be a positive integer; got 0', () => dense({ units: 0 })],
    ['dense: units must be a positive integer; got 2.5', () => dense({ units: 2.5 })],
    ['dense: units must be a positive integer; got undefined', () => dense({} as DenseOptions)],
    ['dense: useBias must be a boolean; got "no"', () => dense({ units: 1, useBias: 'no' } as never)],
    [
      'dense: name must be up to 128 characters without space, /, # or : (and not "toString"); got "a/b"',
      () => dense({ units: 1, name: 'a/b' }),
    ],
    [
      'dense: tiedTo must be a named layer or its name; got a layer of kind dense',
      () => dense({ units: 1, tiedTo: dense({ units: 1 }) }),
    ],
    [
      'dense: activation elu: alpha must be a finite number > 0; got 0',
      () => dense({ units: 1, activation: { name: 'elu', alpha: 0 } }),
    ],
    [
      'reshape: targetShape must be a list of positive integers; got [2,-1]',
      () => reshape({ targetShape: [2, -1] }),
    ],
    ['permute: dims must be the axes 1, 2, ... in some order; got [1,3]', () => permute({ dims: [1, 3] })],
    ['concatenate: axis must be an integer other than 0 (the batch); got 0', () => concatenate({ axis: 0 })],
    [
      'input: shape must be a list of up to 15 positive integers (or null); got [0]',
      () => input({ shape: [0] }),
    ],
    [
      'input pixels: shape must be a list of up to 15 positive integers (or null); got undefined',
      () => input({ name: 'pixels' } as never),
    ],
    [
      'input: dtype must be "float32" or "int32"; got "uint8"',
      () => input({ shape: [1], dtype: 'uint8' } as never),
    ],
    [
      'sequential: seed must be an integer >= 0; got -1',
      () => sequential({ inputShape: [1], layers: [flatten()], seed: -1 }),
    ],
    [
      'sequential options must be a plain object of inputShape, inputDtype, layers, seed, name, weights, numerics, threads; got [{}]',
      () => sequential([{}] as never),
    ],
    [
      'sequential: inputShape must be a list of up to 15 positive integers (or null); got undefined',
      () => sequential({ layers: [flatten()] } as never),
    ],
    [
      'sequential: layers must be a list of layers; got []',
      () => sequential({ inputShape: [1], layers: [] }),
    ],
    ['sgd: learningRate must be a finite number >= 0; got NaN', () => sgd({ learningRate: Number.NaN })],
    ['adam: beta1 must be a number >= 0 and < 1; got 1', () => optimizers.adam({ beta1: 1 })],
    [
      'sgd: clipping must be one of clipNorm, clipValue and globalClipNorm; got "clipNorm and clipValue"',
      () => sgd({ clipNorm: 1, clipValue: 1 }),
    ],
  ])('%s', (message, call) => {
    refused(message, call)
  })
})

describe('layers that do not fit', () => {
  const a = shaped([2])
  const b = shaped([3])
  const of = (layer: Layer, ...inputs: Symbolic[]) => model({ inputs: inputs, outputs: layer(...inputs) })
  test.each<[string, () => unknown]>([
    [
      'layer reshape_1: reshape of [1,3] to [1,2,2]: the numbers of elements differ',
      () => chain(reshape({ targetShape: [2, 2] })),
    ],
    [
      'layer permute_1: expected an input [batch, axis 1, axis 2]; got [1,3]',
      () => chain(permute({ dims: [2, 1] })),
    ],
    [
      'layer add_1: expected inputs of one shape, or of shapes that broadcast; got [1,2] and [1,3]',
      () => of(add(), a, b),
    ],
    [
      'layer mine: expected inputs of one shape, or of shapes that broadcast; got [1,2] and [1,3]',
      () => of(multiply({ name: 'mine' }), a, b),
    ],
    ['layer average_1: expected two inputs or more; got 1', () => of(average(), a)],
    ['layer subtract_1: expected two inputs; got 3', () => of(subtract(), a, b, shaped([2]))],
    [
      'layer concatenate_1: expected an axis of inputs of rank 2; got 2',
      () => of(concatenate({ axis: 2 }), a, b),
    ],
    [
      'layer concatenate_1: concatenate of [1,2,2] and [1,3,2] along axis 2: the other axes differ',
      () => of(concatenate(), shaped([2, 2]), shaped([3, 2])),
    ],
    ['layer dense_1: expected one input; got 2', () => of(dense({ units: 1 }), a, b)],
    [
      'layer dense_1: expected an input [batch, ..., channels]; got [1]',
      () => of(dense({ units: 1 }), shaped([])),
    ],
    [
      'layer dense_1: matmul takes float32 values; got int32 [1,3]',
      () => sequential({ inputShape: [3], inputDtype: 'int32', layers: [dense({ units: 1 })] }),
    ],
    [
      'layer activation_1: unary takes float32 values; got int32 [1,3]',
      () =>
        sequential({ inputShape: [3], inputDtype: 'int32', layers: [activation({ activation: 'relu' })] }),
    ],
    [
      'layer dense_2: tied to early/kernel, which no earlier layer has',
      () => chain(dense({ units: 2 }), dense({ units: 3, tiedTo: 'early' })),
    ],
    [
      'layer dense_1: tied to late/kernel, which no earlier layer has',
      () => chain(dense({ units: 3, tiedTo: 'late' }), dense({ units: 3, name: 'late' })),
    ],
    [
      'layer dense_1: expected tiedTo a kernel of shape [4,2]; got [3,2]',
      () => chain(dense({ units: 2, name: 'first' }), dense({ units: 4, tiedTo: 'first' })),
    ],
    [
      'layer both#2: its weight kernel has shape [2,1]; this input needs [3,1]',
      () => {
        const both = dense({ units: 1, name: 'both' })
        return model({ inputs: [a, b], outputs: [both(a), both(b)] })
      },
    ],
  ])('%s', (message, call) => {
    refused(message, call)
  })

  test.each([[[]], [[flatten()]]])('weights sized by an axis of unknown length', (before: Layer[]) => {
    const message = 'weight dense_1/kernel would take its shape from an input axis of unknown length (null)'
    const inputShape = before.length > 0 ? [null, 2] : [2, null]
    refused(message, () => sequential({ inputShape, layers: [...before, dense({ units: 1 })] }))
  })

  test('layers called on what is no value', () => {
    refused('layer dense must be called on values of input() or of layers; got undefined', () =>
      dense({ units: 1 })(),
    )
    refused('layer out must be called on values of input() or of layers; got [1,2]', () =>
      dense({ units: 1, name: 'out' })([[1, 2]] as never),
    )
  })
})
