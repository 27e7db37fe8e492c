// Bad files and bad data in lanegrad_torch: one clear line that names what is wrong, and nothing written.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts'
import {
  customLayer,
  customLoss,
  dense,
  embedding,
  exponentialDecay,
  maxNorm,
  optimizers,
  sequential,
} from '../../src/index.ts'
import { PYTHON, torch } from '../support/python.ts'

const script = fileURLToPath(new URL('./run_bad_files.py', import.meta.url))
const { isRun, reason } = torch()

const layers = () => [
  dense({ units: 3, activation: 'relu', kernelConstraint: maxNorm() }),
  dense({ units: 3, activation: 'softmax' }),
]
const net = () =>
  sequential({ inputShape: [4], layers: layers() }).compile({
    optimizer: optimizers.adam({ schedule: exponentialDecay({ gamma: 0.9 }) }),
    loss: 'sparseCategoricalCrossentropy',
  })

/** The file of the net with its texts or tensors changed. */
function changed(change: (file: ReturnType<typeof decodeSafetensors>) => unknown): Uint8Array<ArrayBuffer> {
  const file = decodeSafetensors(net().save({ includeOptimizer: true }))
  change(file)
  return encodeSafetensors(file.tensors, file.metadata)
}
const replaced = (key: string, from: string, to: string) =>
  changed(({ metadata }) => {
    expect(metadata[key]).toContain(from)
    metadata[key] = metadata[key].replace(from, to)
  })
const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) })

const own = customLayer({ kind: 'swirl', build: (_, [x]) => x })
const ownLoss = customLoss('squares', (g, truth, prediction) => g.minus(truth, prediction))

/** Files by name, and what the message must hold. */
const files: Readonly<Record<string, readonly [file: () => Uint8Array<ArrayBuffer>, ...words: string[]]>> = {
  newer: [
    () => changed(({ metadata }) => Object.assign(metadata, { format: 'lanegrad/2' })),
    'lanegrad/2 is newer than lanegrad/1',
  ],
  foreign: [
    () => encodeSafetensors(new Map([['w', zeros(2)]]), { format: 'pt' }),
    'not a model that lanegrad saved',
  ],
  'unknown-layer': [() => replaced('network', '"kind":"dense"', '"kind":"swirls"'), 'dense_1', 'swirls'],
  'own-layer': [() => sequential({ inputShape: [4], layers: [own()] }).save(), 'swirl', 'custom='],
  'own-loss': [
    () =>
      sequential({ inputShape: [4], layers: [dense({ units: 1 })] })
        .compile({ loss: ownLoss })
        .save(),
    'squares',
    'losses=',
  ],
  activation: [() => replaced('network', '"relu"', '"bump"'), 'dense_1', 'bump', 'softplus'],
  constraint: [() => replaced('network', '"maxNorm"', '"mostNorm"'), 'mostNorm', 'unitNorm'],
  optimizer: [() => replaced('training', '"adam"', '"adams"'), 'adams', 'nadam'],
  schedule: [() => replaced('training', '"exponentialDecay"', '"decay"'), 'decay', 'cosineDecay'],
  'rate-as-text': [() => replaced('training', '"beta1":0.9', '"beta1":"a"'), 'adam', 'beta1', 'a number'],
  loss: [
    () => replaced('training', 'sparseCategoricalCrossentropy', 'crossentropy'),
    'crossentropy',
    'meanSquaredError',
  ],
  'other-shape': [
    () => changed(({ tensors }) => tensors.set('dense_1/bias', zeros(4))),
    'dense_1/bias',
    '[3]',
    '[4]',
  ],
  'layers-that-do-not-fit': [
    () => changed(({ tensors }) => tensors.set('dense_2/kernel', zeros(5, 3))),
    'dense_2',
    '[1, 3]',
  ],
  'missing-weight': [() => changed(({ tensors }) => tensors.delete('dense_2/bias')), 'lacks', 'dense_2/bias'],
  'weight-too-many': [
    () => changed(({ tensors }) => tensors.set('dense_9/bias', zeros(4))),
    'no weight dense_9/bias',
  ],
  'missing-state': [
    () => changed(({ tensors }) => tensors.delete('optimizer/mean/dense_1/bias')),
    'lacks',
    'optimizer/mean/dense_1/bias',
  ],
  'state-of-another-size': [
    () => changed(({ tensors }) => tensors.set('optimizer/mean/dense_1/bias', zeros(2))),
    'dense_1/bias',
    '3 numbers',
  ],
  'unknown-value': [() => replaced('network', '"inputs":["dense_1"]', '"inputs":["dense_7"]'), 'dense_7'],
  'no-json': [() => changed(({ metadata }) => Object.assign(metadata, { network: '{' })), 'network'],
  short: [() => net().save().slice(0, -4), 'tensor', 'bytes'],
  empty: [() => new Uint8Array(0), 'a safetensors file'],
}

/** Calls by the names that run_bad_files.py has for them, and what the message must hold. */
const calls: Readonly<Record<string, readonly string[]>> = {
  missing: ['nowhere.safetensors', 'No such file'],
  'x of another shape': ['step: x', '[batch,4]', '[5, 3]'],
  'x without rows': ['step: x', '[0, 4]'],
  NaN: ['predict: x', 'NaN'],
  text: ['predict: x', 'numbers'],
  'x of objects': ['predict: x', 'numbers'],
  'fewer rows of y': ['step: y', '5 rows', '4'],
  'a label too high': ['step: y', 'from 0 to 2', '3'],
  'fractions as labels': ['step: y', 'integers'],
  weights: ['sample_weight', '5 rows'],
  'several inputs': ['step: x', '[batch,4]'],
  ids: ['predict: x', 'embedding_1', 'from 0 to 3', '5'],
  "a folder that isn't there": ['nowhere', 'No such file'],
  'a folder in the way': ['directory'],
  'not compiled': ['compile'],
}

describe.runIf(isRun)(`lanegrad_torch refuses${reason}`, () => {
  let folder = ''
  let report: Readonly<Record<string, string>> & { readonly left?: unknown; readonly fuzzed?: unknown } = {}

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanegrad-bad-'))
    const write = (name: string, file: Uint8Array) => writeFile(join(folder, `${name}.safetensors`), file)
    for (const [name, [file]] of Object.entries(files)) await write(`bad-${name}`, file())
    await write('net', net().save({ includeOptimizer: true }))
    await write('plain', sequential({ inputShape: [4], layers: layers() }).save())
    const table = embedding({ inputDim: 4, outputDim: 2 })
    await write('ids', sequential({ inputShape: [2], inputDtype: 'int32', layers: [table] }).save())
    const { stdout } = await promisify(execFile)(PYTHON, [script, folder], { maxBuffer: 1e8 })
    report = JSON.parse(stdout)
  }, 200_000)

  afterAll(() => rm(folder, { recursive: true }))

  const expected = [
    ...Object.entries(files).map(([name, [, ...words]]) => [name, words] as const),
    ...Object.entries(calls),
  ]
  test.each(expected)('%s', (name, words) => {
    expect(report[name]).not.toMatch(/NOT OURS|no error|\n/)
    for (const word of words) expect(report[name]).toContain(word)
  })

  test('damaged bytes end in a line or a net, and no file is left half-written', () => {
    expect(report.fuzzed).toEqual({})
    expect(report.left).toEqual([])
  })
})
