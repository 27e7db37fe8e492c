// Saved models that are damaged, cut short or lie: load refuses each with a LanegradError that says what is wrong,
// before it takes memory for what the file only claims; loadWeights then leaves the model bit for bit as it was.
import { describe, expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts'
import {
  add,
  dense,
  input,
  LanegradError,
  load,
  loadWeights,
  model,
  type NamedArray,
  sequential,
  tensor,
} from '../../src/index.ts'
import { show } from '../../src/numerics/errors.ts'
import { refused as refusedLeaving } from '../support/refused.ts'

const net = sequential({
  inputShape: [3],
  layers: [dense({ units: 2, activation: 'tanh' }), dense({ units: 1, name: 'out' })],
}).compile({ loss: 'mse', metrics: ['mae'] })
net.trainStep([[1, 2, 3]], [1])
const file = net.save({ includeOptimizer: true })

interface Parts {
  tensors: Map<string, NamedArray>
  metadata: Record<string, string>
}

test.each([
  () => load('model.safetensors' as never),
  () => loadWeights(net, 'https://localhost/model.safetensors' as never),
])('where to find a file is no file', (call) => {
  refusedLeaving(
    /^safetensors file must be .*DataView \(readFile\(path\), or await \(await fetch\(url\)\)\.arrayBuffer\(\)\); got "/,
    call,
    net,
  )
})

/** The file with its parts changed. */
function edited(change: (parts: Parts) => unknown): Uint8Array {
  const parts = decodeSafetensors(file)
  change(parts)
  return encodeSafetensors(parts.tensors, parts.metadata)
}

/** The file with one JSON text of its metadata changed: `value` at `path`, or nothing there if undefined. */
const withJson = (key: string, path: string, value: unknown) =>
  edited(({ metadata }) => {
    const data: unknown = JSON.parse(metadata[key])
    const steps = path.split('.')
    const last = steps.pop() ?? ''
    const at = steps.reduce(
      (part, step) => part[step] as Record<string, unknown>,
      data as Record<string, unknown>,
    )
    at[last] = value
    metadata[key] = JSON.stringify(data)
  })

/** Refused, and `net` stays as it was. */
const refused = (message: string | RegExp, call: () => unknown) => refusedLeaving(message, call, net)

/** By load and by loadWeights, with the same message. */
const bothRefuse = (message: string | RegExp, bytes: Uint8Array) => {
  refused(message, () => load(bytes))
  refused(message, () => loadWeights(net, bytes))
}

test('the file these are made from is sound, edited or not', () => {
  expect(load(file).save({ includeOptimizer: true })).toEqual(file)
  expect(load(edited(() => {})).save({ includeOptimizer: true })).toEqual(file)
  expect(load(withJson('network', 'note', 'ignored')).getWeights()).toEqual(net.getWeights())
})

describe('bytes', () => {
  test('cut off anywhere', () => {
    for (let length = 0; length < file.length; length += length < 16 ? 1 : 97) {
      const cut = file.subarray(0, length)
      expect(() => load(cut)).toThrow(LanegradError)
      expect(() => loadWeights(net, cut)).toThrow(LanegradError)
    }
    bothRefuse(/ends at byte \d+ of \d+$/, file.subarray(0, file.length - 4))
  })

  test('too long', () => {
    bothRefuse(/4 bytes belong to no tensor$/, Uint8Array.of(...file, 0, 0, 0, 0))
  })

  test('that are no bytes, or of another format', () => {
    const expected =
      'safetensors file must be a Uint8Array, ArrayBuffer or DataView (readFile(path), or await (await fetch(url)).arrayBuffer()); got '
    for (const none of [{}, new Float32Array(file.buffer.slice(0, 8)), new Map()])
      bothRefuse(expected + show(none), none as unknown as Uint8Array)
    bothRefuse(/^safetensors: /, new TextEncoder().encode('{"a": 1, "b": [1, 2, 3]}'))
    const foreign = encodeSafetensors(new Map(), { format: 'pt' })
    refused('not a saved model: format must be "lanegrad/1"; got "pt"', () => load(foreign))
    refused('not a saved model: format must be "lanegrad/1"; got undefined', () =>
      load(encodeSafetensors(new Map())),
    )
  })

  test('with any byte of the header flipped: refused with a LanegradError, or loaded', () => {
    const headerEnd = 8 + new DataView(file.buffer).getUint32(0, true)
    for (let at = 0; at < headerEnd; at += 7) {
      const bytes = file.slice()
      bytes[at] ^= 1 << (at % 7)
      try {
        load(bytes).dispose()
      } catch (error) {
        expect(error).toBeInstanceOf(LanegradError)
      }
    }
  })
})

describe('weights', () => {
  const float = (...shape: number[]) => tensor(new Float32Array(shape.reduce((a, b) => a * b)), shape)
  test.each<[string, string, (parts: Parts) => unknown]>([
    ['one missing', 'the file lacks out/bias', ({ tensors }) => tensors.delete('out/bias')],
    [
      'one too many',
      'the model has no weight "out/gamma"; the file has one',
      ({ tensors }) => tensors.set('out/gamma', float(1)),
    ],
    [
      'another shape',
      'dense_1/kernel must be float32 [3,2]; got float32 [2,3]',
      ({ tensors }) => tensors.set('dense_1/kernel', float(2, 3)),
    ],
    [
      'another rank',
      'out/bias must be float32 [1]; got float32 [1,1]',
      ({ tensors }) => tensors.set('out/bias', float(1, 1)),
    ],
    [
      'another type',
      'out/bias must be float32 [1]; got int32 [1]',
      ({ tensors }) => tensors.set('out/bias', tensor(Int32Array.of(1), [1])),
    ],
  ])('%s', (_, message, change) => {
    bothRefuse(message, edited(change))
  })
})

describe('a network that lies', () => {
  const unique = 'names must be unique in a model'
  const call = (name: string, layer: string, inputs: string[]) => ({ name, layer, inputs })
  const rule = 'must be up to 128 characters without space, /, # or : (and not "toString")'
  const made = 'which no input or earlier layer makes'
  const nested = (kind: unknown) => ({
    ...{ name: 'dense_1', kind: 'timeDistributed', trainable: true },
    config: { layer: { kind, config: {} } },
  })
  const more = [3, 4].map((size) => ({ name: size > 3 ? 'more' : 'input', shape: [3], dtype: 'float32' }))
  test.each<[string, unknown, string | RegExp]>([
    // sizes that are only claimed
    ['layers.0.config.units', 1e9, /^dense_1\/kernel must be float32 \[3,1000000000\]; got/],
    ['inputs.0.shape', [2 ** 50], /^dense_1\/kernel must be float32 \[1125899906842624,2\]; got/],
    ['inputs.0.shape', [2 ** 40, 2 ** 40], /^layer dense_1: shape must be of less than 2\^53 elements/],
    // inputs
    [
      'inputs.0.shape',
      [-3],
      'shape of an input must be a list of up to 15 positive integers (or null); got [-3]',
    ],
    ['inputs.0.dtype', 'int8', 'dtype of an input must be "float32" or "int32"; got "int8"'],
    ['inputs.0.name', '', `name of an input ${rule}; got ""`],
    ['inputs', more, 'several inputs or outputs come as a list or a record'],
    ['inputs.0.name', 'toString', `name of an input ${rule}; got "toString"`],
    ['inputs.0.name', 'dense_1/kernel', `name of an input ${rule}; got "dense_1/kernel"`],
    // layers
    ['layers.0.kind', 'denze', /^unknown layer "denze"; did you mean "dense"\? Known: dense, /],
    ['layers.0.kind', '__proto__', /^unknown layer "__proto__"\. Known: /],
    ['layers.0.config.units', -2, 'dense: units must be a positive integer; got -2'],
    ['layers.0.config.unit', 2, /^unknown dense option "unit"; did you mean "units"/],
    ['layers.0.config.activation', { name: 'tan' }, /^dense: unknown activation "tan"; did you mean "tanh"/],
    ['layers.1.config', undefined, 'config of layer out must be an object; got undefined'],
    ['layers.1.trainable', 1, 'trainable of layer out must be a boolean; got 1'],
    ...[
      ...['optimizer/mean/dense_1', 'optimizer', 'a/b', 'a#2', 'a:1', 'a b', '__proto__', '', 7],
      'x'.repeat(129),
    ].map((bad): [string, unknown, RegExp] => ['layers.0.name', bad, /^name of a layer must be up to 128 /]),
    ['layers.0.name', 'out', `two layers are named "out"; ${unique}`],
    [
      'layers.0.config.kernelConstraint',
      '__proto__',
      /^dense: kernelConstraint: write kernelConstraint: maxNorm\(\), .*; got "__proto__"/,
    ],
    [
      'layers.0.config.kernelConstraint',
      { kind: '__proto__' },
      /^unknown constraint "__proto__"\. Known: maxNorm/,
    ],
    ['layers.0', nested({ x: 1 }), /^unknown layer { x }\. Known: dense, /],
    ['layers.0', nested('denze'), /^unknown layer "denze"/],
    ['layers', undefined, 'layers must be a list of objects; got undefined'],
    // the graph: a cycle of two, of one, an order that can't run
    ['calls.0.inputs', ['out'], `layer dense_1 reads "out", ${made}`],
    ['calls.1.inputs', ['out'], `layer out reads "out", ${made}`],
    ['calls', [call('out', 'out', ['dense_1'])], `layer out reads "dense_1", ${made}`],
    ['calls.0.name', 'out', 'name of a call of layer dense_1 must be "dense_1"; got "out"'],
    [
      'calls',
      ['out', 'out'].map((name) => call(name, 'out', ['input'])),
      'name of a call of layer out must be "out#2"; got "out"',
    ],
    ['calls.0.layer', 'lost', 'a call names layer "lost", which is not in the model'],
    ['calls.1.inputs', [], 'inputs of layer out must be a list of names; got []'],
    ['calls.1.inputs', ['dense_1', 'dense_1'], 'layer out: expected one input; got 2'],
    // outputs
    ['outputs.0.value', 'lost', 'output "lost" is made by no layer of the model'],
    ['outputs.0.name', 'dense_1', 'output "dense_1" must have the name of its value, "out"'],
    [
      'outputs',
      [],
      'model description must be one input and one output at least; got { inputs, inputStructure, calls, outputs, outputStructure, lay… }',
    ],
    ['outputStructure', 'tree', 'outputStructure must be "single", "list" or "record"; got "tree"'],
  ])('%s = %j', (path, value, message) => {
    const bytes = withJson('network', path, value)
    const start = performance.now()
    refused(message, () => load(bytes))
    expect(performance.now() - start).toBeLessThan(1000)
  })

  test('in a graph of two inputs', () => {
    const [a, b] = [input({ shape: [2] }), input({ shape: [2] })]
    const parts = decodeSafetensors(model({ inputs: [a, b], outputs: add()(a, b) }).save())
    parts.metadata.network = parts.metadata.network.replace('"shape":[2]', '"shape":[4]')
    const bytes = encodeSafetensors(parts.tensors, parts.metadata)
    refused(
      'layer add_1: expected inputs of one shape, or of shapes that broadcast; got [1,4] and [1,2]',
      () => load(bytes),
    )
  })

  test.each([
    ['network', '{"inputs": [', 'network must be JSON; got "{\\"inputs\\": ["'],
    ['network', '', 'network must be JSON; got ""'],
    ['network', '[1]', 'model description must be an object; got [1]'],
    ['network', '['.repeat(20000), 'network is nested too deeply'],
    ['seed', '', 'seed must be an integer >= 0; got ""'],
    ['seed', '0x10', 'seed must be an integer >= 0; got "0x10"'],
    ['seed', '-1', 'seed must be an integer >= 0; got "-1"'],
    ['seed', 'x', 'seed must be an integer >= 0; got "x"'],
  ])('the text of %s is %j', (key, text, message) => {
    const bytes = edited(({ metadata }) => Object.assign(metadata, { [key]: text }))
    refused(message, () => load(bytes))
  })
})

describe('damaged training', () => {
  test.each<[string, unknown, string | RegExp]>([
    ['outputs', [], 'training: outputs must be one each for out; got []'],
    ['outputs.0.output', 'in', 'training: outputs must be one each for out; got ["in"]'],
    ['outputs.0.loss.kind', 'mse2', /^unknown loss "mse2"; did you mean "mse"/],
    ['outputs.0.loss.kind', ['mse'], /^unknown loss \["mse"\]\. Known/],
    [
      'outputs.0.loss.kind',
      'categoricalCrossentropy',
      /^output out: categoricalCrossentropy needs two classes or more/,
    ],
    ['outputs.0.loss.reduction', 'max', 'meanSquaredError: reduction must be "mean" or "sum"; got "max"'],
    ['outputs.0.weight', '1', 'loss weight of out must be a finite number; got "1"'],
    ['outputs.0.weight', 1e39, 'loss weight of out must be a finite number as float32; got 1e+39'],
    ['optimizer.weightDecay', 1e300, 'adam: weightDecay must be a finite number >= 0 as float32; got 1e+300'],
    ['outputs.0.metrics', ['mea'], /^unknown metric "mea"; did you mean "mae"/],
    ['outputs.0.metrics', 'mae', 'metrics of out must be a list of names; got "mae"'],
    [
      'outputs.0.metrics',
      [{ name: 'm', of: ['mse'] }],
      'a saved metric must be a name, a loss, or options of a metric; got { name, of }',
    ],
    ['outputs.0.weightedMetrics', [null], 'a saved metric must be an object; got null'],
    ['optimizer.kind', 'adma', /^unknown optimizer "adma"; did you mean "adam"/],
    ['optimizer.kind', ['adam'], /^unknown optimizer \["adam"\]\. Known/],
    ['optimizer.beta3', 1, /^unknown adam option "beta3"; did you mean "beta1"/],
    ['optimizer.learningRate', 'fast', 'adam: learningRate must be a finite number >= 0; got "fast"'],
    ['optimizer.clip', { kind: 'hard', limit: 1 }, /^unknown adam option/],
    ['optimizer.schedule', { kind: 'cosine' }, /^unknown schedule "cosine"/],
  ])('%s = %j', (path, value, message) => {
    refused(message, () => load(withJson('training', path, value)))
  })

  test('an output twice', () => {
    const { outputs } = JSON.parse(decodeSafetensors(file).metadata.training)
    const bytes = withJson('training', 'outputs', [...outputs, ...outputs])
    refused('training: outputs must be one each for out; got ["out","out"]', () => load(bytes))
  })

  test.each(['', '[]', '{', 'null', '{"outputs": 3}', '{"outputs": [null]}', '{"outputs": [{}]}'])(
    '%j',
    (text) => {
      const bytes = edited(({ metadata }) => Object.assign(metadata, { training: text }))
      expect(() => load(bytes)).toThrow(LanegradError)
    },
  )
})

describe('a damaged optimizer state', () => {
  test.each<[string, unknown, string]>([
    ['stepCount', -1, 'optimizerState: a count must be an integer from 0 to 2^53; got -1'],
    ['stepCount', undefined, 'optimizerState: a count must be an integer from 0 to 2^53; got undefined'],
    [
      'epochCount',
      2 ** 54,
      'optimizerState: a count must be an integer from 0 to 2^53; got 18014398509481984',
    ],
    ['epochCount', 0.5, 'optimizerState: a count must be an integer from 0 to 2^53; got 0.5'],
    ['momentumProduct', null, 'optimizerState: momentumProduct must be a finite number; got null'],
  ])('%s = %j', (path, value, message) => {
    refused(message, () => load(withJson('optimizerState', path, value)))
  })

  const slot = 'optimizer/mean/out/bias'
  const size = 'optimizer/mean/out/bias must be float32 [1]; got float32 [2]'
  test.each<[string, string, (parts: Parts) => unknown]>([
    [
      'no JSON',
      'optimizerState must be JSON; got "{"',
      ({ metadata }) => Object.assign(metadata, { optimizerState: '{' }),
    ],
    [
      'no object',
      'optimizerState must be an object; got [1]',
      ({ metadata }) => Object.assign(metadata, { optimizerState: '[1]' }),
    ],
    ['a slot is missing', 'the file lacks optimizer/mean/out/bias', ({ tensors }) => tensors.delete(slot)],
    ['a slot of another size', size, ({ tensors }) => tensors.set(slot, tensor([1, 2]))],
  ])('%s', (_, message, change) => {
    refused(message, () => load(edited(change)))
  })
})
