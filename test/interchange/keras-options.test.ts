// Options of layers of pictures in files of TensorFlow.js and Keras: those that Keras has go there and back, the others are refused by name.
import { expect, test } from 'vitest'
import {
  batchNormalization,
  bidirectional,
  conv2dTranspose,
  globalMaxPooling2d,
  gru,
  type Layer,
  layerNormalization,
  lstm,
  type Model,
  prelu,
  sequential,
  tensor,
  zeroPadding2d,
} from '../../src/index.ts'
import { loadKeras, saveKeras } from '../../src/keras/index.ts'
import { loadTfjs, saveTfjs } from '../../src/tfjs/index.ts'
import { refused } from '../support/refused.ts'

const netOf = (layer: Layer) => sequential({ inputShape: [3, 4, 2], layers: [layer] })

const throughTfjs = (net: Model) => {
  const files = saveTfjs(net)
  return loadTfjs({ modelJson: files['model.json'], weights: files['weights.bin'] })
}
const throughKeras = (net: Model) => loadKeras(saveKeras(net))

test.each<[string, Layer, boolean?]>([
  ['batchNormalization of axis 1', batchNormalization({ axis: 1 }), false],
  ['layerNormalization of axes 1 and 3', layerNormalization({ axis: [1, 3] })],
  ['prelu of channels', prelu()],
  ['prelu of each element', prelu({ sharedAxes: [], alphaRegularizer: { l2: 0.5 } })],
  ['prelu of columns', prelu({ sharedAxes: [1, 3] })],
])('%s goes there and back', async (_, layer, toTfjs = true) => {
  const net = netOf(layer)
  const drawn = Object.entries(net.getWeights()).map(([name, { shape, data }], k) => {
    const values = Float32Array.from(data, (_, i) => 0.5 + (((i + k) * 37) % 11) / 16)
    return [name, tensor(values, [...shape])] as const
  })
  net.setWeights(Object.fromEntries(drawn))
  const x = Float32Array.from({ length: 48 }, (_, i) => Math.sin(i * i))
  for (const through of toTfjs ? [throughTfjs, throughKeras] : [throughKeras])
    expect((await through(net)).predict(x)).toEqual(net.predict(x))
})

test.each<[RegExp, Layer]>([
  [/axis 1 \(TensorFlow.js computes with the last one alone\)/, batchNormalization({ axis: 1 })],
  [/axis \[1,3\] \(one axis\)/, batchNormalization({ axis: [1, 3] })],
  [/groups 2/, conv2dTranspose({ filters: 2, kernelSize: 2, groups: 2 })],
  [/useMask true/, globalMaxPooling2d({ useMask: true })],
  [/value 0\.5/, zeroPadding2d({ value: 0.5 })],
])('%s is refused by TensorFlow.js', (message, layer) => refused(message, () => saveTfjs(netOf(layer))))

test('a batch normalization over two axes is refused by Keras', () =>
  refused(/axis \[1,3\] \(one axis\)/, () => saveKeras(netOf(batchNormalization({ axis: [1, 3] })))))

const STATES = { stateful: true, batchSize: 2, returnSequences: true } as const

test.each<[string, Layer, boolean?]>([
  ['an lstm', lstm({ units: 3, ...STATES })],
  ['a bidirectional gru', bidirectional({ layer: gru({ units: 3, resetAfter: false, ...STATES }) })],
])('%s keeps its states after it went there and back', async (_, layer) => {
  const net = sequential({
    inputShape: [4, 2],
    layers: [layer, lstm({ units: 2, stateful: true, batchSize: 2 })],
  })
  const x = tensor(
    Float32Array.from({ length: 16 }, (_, i) => Math.sin(i * i)),
    [2, 4, 2],
  )
  const first = net.predict(x)
  const second = net.predict(x)
  expect(second).not.toEqual(first)
  for (const through of [throughTfjs, throughKeras]) {
    const again = await through(net)
    expect([again.predict(x), again.predict(x)]).toEqual([first, second])
    again.resetStates()
    expect(again.predict(x)).toEqual(first)
  }
})

test('a stateful layer of a file without a size of batches is refused by name', async () => {
  const net = sequential({
    inputShape: [4, 2],
    layers: [lstm({ units: 2, stateful: true, batchSize: 2, name: 'kept' })],
  })
  const files = saveTfjs(net)
  const text = new TextDecoder()
    .decode(files['model.json'])
    .replace('"batch_input_shape":[2,', '"batch_input_shape":[null,')
  await expect(loadTfjs({ modelJson: JSON.parse(text), weights: files['weights.bin'] })).rejects.toThrow(
    'LSTM kept: stateful true where no input has a size of batches',
  )
})
