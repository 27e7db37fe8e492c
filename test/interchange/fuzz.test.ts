// Nets of each kind of layer with options drawn at random go to each maker and come back: the same predictions and the same losses in
// training, or an error that names what the maker lacks. Nothing is dropped silently. FUZZED_NETS=50 tries as many of each kind.
import { describe, expect, test } from 'vitest'
import { LanegradError, type Model, sgd, type Values } from '../../src/index.ts'
import { loadKeras, saveKeras } from '../../src/keras/index.ts'
import { loadOnnx, saveOnnx } from '../../src/onnx/index.ts'
import { loadTfjs, saveTfjs } from '../../src/tfjs/index.ts'
import { difference } from './onnx/testdata.ts'
import { dataOf, kinds, lacking, randomNet } from './random-nets.ts'

type Net = Model<Values>
type Arrays = readonly { readonly data: ArrayLike<number>; readonly shape: readonly number[] }[]

const COUNT = Number(process.env.FUZZED_NETS ?? (process.env.CI ? 8 : 1))
const isWhole = process.env.FUZZED_NETS !== undefined || process.env.CI !== undefined
const tried = isWhole ? kinds : ['dense', 'einsumDense', 'gru', 'groupedQueryAttention']
if (!isWhole) console.log('skipped without CI: most kinds of layers')

interface Maker {
  readonly pass: (net: Net) => unknown
  /** Kinds of which it refuses every net. */
  readonly lacks: readonly string[]
  /** Inputs and outputs may have other forms than they had: a list in place of a record. */
  readonly tolerance: number
}

const NOT_KERAS = [
  'stochasticDepth',
  'positionEmbedding',
  'operations',
  'rotaryEmbedding',
  'spectralNormalization', // Keras's overwrites the kernel
  'weightNormalization',
  'adapted',
  'block',
]

/** The layers of Keras 3.15: the names that keras.layers has, aliases and cells of other libraries left out. */
const KERAS = `
Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average AveragePooling1D
AveragePooling2D AveragePooling3D BatchNormalization Bidirectional CategoryEncoding CenterCrop
Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D
ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D
Discretization Dot Dropout ELU EinsumDense Embedding Equalization Flatten GRU GRUCell
GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention
HashedCrossing Hashing Identity IntegerLookup LSTM LSTMCell Lambda LayerNormalization LeakyReLU
Masking MaxNumBoundingBoxes MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum
MixUp MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RMSNormalization RNN
RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop
RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue
RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness
RandomShear RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
ReversibleEmbedding STFTSpectrogram SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax
Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization
StackedRNNCells StringLookup Subtract TextVectorization TimeDistributed UnitNormalization
UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
`

const makers: Readonly<Record<string, Maker>> = {
  Keras: { pass: (net) => loadKeras(saveKeras(net)), lacks: NOT_KERAS, tolerance: 1e-6 },
  'TensorFlow.js': {
    pass(net) {
      const files = saveTfjs(net)
      return loadTfjs({ modelJson: files['model.json'], weights: files['weights.bin'] })
    },
    lacks: [
      ...NOT_KERAS,
      ...['einsumDense', 'conv1dTranspose', 'depthwiseConv1d', 'separableConv1d'],
      ...['globalMaxPooling3d', 'globalAveragePooling3d', 'convLstm1d', 'convLstm3d', 'subtract'],
      ...[
        'rmsNormalization',
        'groupNormalization',
        'unitNormalization',
        'spatialDropout2d',
        'spatialDropout3d',
      ],
      ...['normalization', 'multiHeadAttention', 'groupedQueryAttention', 'attention', 'additiveAttention'],
      ...[
        'cropping1d',
        'cropping3d',
        'zeroPadding1d',
        'zeroPadding3d',
        'upSampling1d',
        'upSampling3d',
        'resizing',
      ],
    ],
    tolerance: 1e-6,
  },
  ONNX: { pass: (net) => loadOnnx(saveOnnx(net)), lacks: [], tolerance: 1e-5 },
}

/** Layers that draw random numbers in training. */
const RANDOM = /[dD]ropout|Noise|stochasticDepth/

const arraysOf = (made: unknown): Arrays =>
  ArrayBuffer.isView((made as { data?: unknown }).data) ? [made as Arrays[0]] : Object.values(made as object)

/** Data in the form that a net takes them. */
function formed(
  list: readonly { readonly name: string }[],
  structure: string,
  names: readonly string[],
): never {
  const named = () => Object.fromEntries(list.map((one, i) => [names[i], one]))
  return (structure === 'single' ? list[0] : structure === 'list' ? list : named()) as never
}

function run(net: Net, { x, y }: ReturnType<typeof dataOf>, isTrained: boolean) {
  const { inputs, inputStructure, outputs, outputStructure } = net.session.network
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name)
  const given = formed(x, inputStructure, names(inputs))
  const wanted = formed(y, outputStructure, names(outputs))
  const before = arraysOf(net.predict(given))
  if (!isTrained) return { before, losses: [], after: [] }
  net.compile({ optimizer: sgd({ learningRate: 0.05 }), loss: 'meanSquaredError' } as never)
  const losses = [1, 2, 3].map(() => net.trainStep(given, wanted).loss)
  return { before, losses, after: arraysOf(net.predict(given)) }
}

test('there are nets of each kind of layer', () => {
  expect(lacking).toEqual([])
})

test('what Keras never takes is what it has no layer for', () => {
  const names = new Set(KERAS.toLowerCase().split(/\s+/).filter(Boolean))
  const own = (kind: string) => kind.toLowerCase().replace('grouped', 'group')
  expect(NOT_KERAS.filter((kind) => names.has(own(kind)))).toEqual(['spectralNormalization'])
  // and each other kind is written as a class of that list
  const missing = kinds.filter((kind) => !NOT_KERAS.includes(kind) && !names.has(own(kind)))
  expect(missing).toEqual([])
})

describe.each(Object.entries(makers))('%s', (maker, { pass, lacks, tolerance }) => {
  test.each(tried)('%s', async (kind) => {
    let refused = 0
    for (let seed = 0; seed < COUNT; seed++) {
      const net = randomNet(kind, seed)
      const data = dataOf(net, 3, seed + 1)
      let back: Net
      try {
        back = (await pass(net)) as Net
      } catch (error) {
        expect(error).toBeInstanceOf(LanegradError)
        // what a maker lacks is named: a kind, an option, or an activation
        expect((error as Error).message).toMatch(/doesn't have: \w+ (\(\w|\w+: )|^saveOnnx: /)
        refused++
        continue
      }
      // penalties, constraints, what is frozen and masks of losses aren't in ONNX's files
      const { outline, network } = net.session
      const configs = JSON.stringify(network.calls.map(({ layer }) => layer.config))
      const isPlain =
        outline.weights.every(({ name, trainable }) => trainable || /moving_/.test(name)) &&
        network.outputs.every(({ value }) => !outline.masked.has(value)) &&
        !/(Regularizer|Constraint)":\{/.test(configs.replaceAll('{"l1":0,"l2":0}', '0'))
      const isTrained =
        outline.weights.some((weight) => weight.trainable) &&
        !RANDOM.test(kind) &&
        (maker !== 'ONNX' || isPlain)
      const [wanted, got] = [run(net, data, isTrained), run(back, data, isTrained)]
      const where = `${kind} of seed ${seed}`
      expect([where, got.before.map(({ shape }) => shape)]).toEqual([
        where,
        wanted.before.map(({ shape }) => shape),
      ])
      const off = (a: Arrays, b: Arrays) =>
        Math.max(0, ...a.map(({ data }, i) => difference(b[i].data, data)))
      expect([where, off(wanted.before, got.before) <= tolerance]).toEqual([where, true])
      expect([where, difference(got.losses, wanted.losses) <= 10 * tolerance]).toEqual([where, true])
      // ONNX's batch normalization has another momentum
      const isKept = maker !== 'ONNX' || kind !== 'batchNormalization'
      if (isKept) expect([where, off(wanted.after, got.after) <= 100 * tolerance]).toEqual([where, true])
      net.dispose()
      back.dispose()
    }
    if (lacks.includes(kind)) expect(refused).toBe(COUNT)
    else if (COUNT > 15) expect(refused).toBeLessThan(COUNT)
  })
})
