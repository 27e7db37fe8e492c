// Frozen files that are damaged, lie, or come from another version. Whatever a file says, opening it runs nothing, takes no more
// memory than the net, and ends in a trainer or in a LanegradError that says what is wrong; a program that traps ends the trainer.
// A few hundred changed files here, tens of thousands with CI=1.
import { describe, expect, test } from 'vitest'
import { ABI_VERSION } from '../../assembly/abi.ts'
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts'
import { freeze } from '../../src/freeze/index.ts'
import {
  accumulateGradients,
  adam,
  batchNormalization,
  dense,
  dropout,
  embedding,
  exponentialDecay,
  flatten,
  input,
  LanegradError,
  load,
  loadWeights,
  meanSquaredError,
  model,
  type NamedArray,
  sequential,
  sgd,
} from '../../src/index.ts'
import { open, type Trainer } from '../../src/run/index.ts'
import { all } from '../../src/run/modules.ts'
import { type Draw, draws } from '../support/hostile-values.ts'

const modules = { modules: all }
const small = () =>
  sequential({
    inputShape: [2],
    layers: [dense({ units: 3, activation: 'tanh' }), dense({ units: 1 })],
  }).compile({
    optimizer: adam(),
    loss: 'mse',
    metrics: ['mae'],
  })

/** Two inputs and outputs, ids, groups of losses, random numbers: all parts a file can have. */
function whole() {
  const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [3], dtype: 'int32', name: 'b' })]
  const words = flatten()(embedding({ inputDim: 5, outputDim: 2 })(b))
  const both = batchNormalization()(dropout({ rate: 0.5 })(dense({ units: 3 })(words)))
  return model({
    inputs: { a, b },
    outputs: {
      c: dense({ units: 2, name: 'c' })(a),
      d: dense({ units: 4, activation: 'softmax', name: 'd' })(both),
    },
  }).compile({
    optimizer: adam({ accumulation: accumulateGradients(2), amsgrad: true }),
    loss: { c: meanSquaredError({ reduction: 'sum' }), d: 'sparseCategoricalCrossentropy' },
    metrics: { d: ['accuracy'] },
  })
}
const wholeFile = freeze(whole(), {
  ...{ train: [2], evaluate: [2], gradients: [2], predict: [1, 2] },
  ...{ sampleWeight: true, includeOptimizer: true },
})
const rows = {
  a: [
    [1, 2],
    [3, 4],
    [5, 6],
  ],
  b: [
    [0, 1, 2],
    [3, 4, 0],
    [1, 1, 1],
  ],
}
const two = { a: rows.a.slice(0, 2), b: rows.b.slice(0, 2) }
const truth = {
  c: [
    [1, 2],
    [3, 4],
  ],
  d: [0, 3],
}

// biome-ignore lint/suspicious/noExplicitAny: JSON to be damaged
type Json = any

/** The file with its JSON and its tensors changed. */
function changed(
  bytes: Uint8Array,
  change: (frozen: Json, tensors: Map<string, NamedArray>, metadata: Record<string, string>) => void,
): Uint8Array<ArrayBuffer> {
  const { tensors, metadata } = decodeSafetensors(bytes)
  const frozen = JSON.parse(metadata.frozen)
  change(frozen, tensors, metadata)
  // JSON has no infinity, a file may: 1e999
  const text = JSON.stringify(frozen, (_, value) => (value === Infinity ? '1e999' : value))
  return encodeSafetensors(tensors, { ...metadata, frozen: text.replaceAll('"1e999"', '1e999') })
}

/** Bytes of the trainer's memory. */
const memoryOf = (trainer: Trainer): number =>
  (trainer.session.engine as unknown as { core: { memory: WebAssembly.Memory } }).core.memory.buffer
    .byteLength

const words = (tensors: Map<string, NamedArray>, i = 0): Int32Array =>
  tensors.get(`#${i}/words`)?.data as Int32Array

/** The error of what must fail, which must be ours. */
function errorOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof LanegradError) return error.message
    throw error
  }
  return ''
}

describe('the message says what is wrong and what to do', () => {
  const file = freeze(small(), { train: [2, 3], predict: [1] })
  const refused: Readonly<Record<string, [bytes: () => Uint8Array, message: RegExp]>> = {
    'a saved model': [() => small().save(), /^not a frozen file: .* \(freeze makes them, save doesn't\)$/],
    'another interface of kernels': [
      () =>
        changed(file, (frozen) => {
          frozen.abi = 99
        }),
      new RegExp(
        `^the file was frozen for interface 99 of the kernels; this library has ${ABI_VERSION}: freeze the model again$`,
      ),
    ],
    'another place of the arena': [
      () =>
        changed(file, (frozen) => {
          for (const key of ['base']) frozen[key] += 64
        }),
      /^(the file was frozen by another build of the library: freeze the model again|.*lies outside of its part of the memory)$/,
    ],
    'no programs': [
      () =>
        changed(file, (_, tensors) => {
          tensors.delete('#1/words')
        }),
      /^frozen\.programs\.1: its words are missing$/,
    ],
    'an unknown operation': [
      () =>
        changed(file, (_, tensors) => {
          words(tensors)[0] = (words(tensors)[0] & ~0xffff) | 999
        }),
      /^frozen\.programs\.0: unknown code 999$/,
    ],
    'an operation of no words': [
      () =>
        changed(file, (_, tensors) => {
          words(tensors)[0] &= 0xffff
        }),
      /^frozen\.programs\.0: an instruction is cut short$/,
    ],
    'words cut off': [
      () =>
        changed(file, (_, tensors) => {
          const data = words(tensors).slice(0, -1)
          tensors.set('#0/words', { shape: [data.length], data })
        }),
      /^frozen\.programs\.0: /,
    ],
    'text that is no JSON': [
      () => {
        const { tensors, metadata } = decodeSafetensors(file)
        return encodeSafetensors(tensors, { ...metadata, frozen: '{' })
      },
      /^frozen must be JSON/,
    ],
    'a weight that is missing': [
      () =>
        changed(file, (_, tensors) => {
          tensors.delete('dense_1/kernel')
        }),
      /^the file holds no float32 weight "dense_1\/kernel" of shape \[2,3\]$/,
    ],
    'a weight named twice': [
      () => changed(file, (frozen) => frozen.weights.push(frozen.weights[0])),
      /a weight is named twice/,
    ],
    'a seed that is none': [
      () =>
        changed(file, (_, __, metadata) => {
          metadata.seed = 'x'
        }),
      /^seed must be/,
    ],
  }
  test.each(Object.entries(refused))('%s', (_, [bytes, message]) => {
    expect(errorOf(() => open(bytes(), modules))).toMatch(message)
  })

  test('kernels that were not given', () => {
    expect(errorOf(() => open(wholeFile))).toMatch(
      /^this file needs the kernels of (\w+): open\(bytes, \{ modules: \[\1\] \}\), with \1 from 'lanegrad\/run\/modules'$/,
    )
    expect(errorOf(() => open(wholeFile, { modules: [{}] as never }))).toMatch(
      /^open: modules must be a list of modules/,
    )
  })

  test('a schedule that there is not', () => {
    const own = small().compile({
      optimizer: sgd({ schedule: exponentialDecay({ gamma: 0.5 }) }),
      loss: 'mse',
    })
    const bytes = changed(freeze(own, { train: [1] }), ({ updating }) => {
      updating.schedule.kind = 'toString'
    })
    const trainer = open(bytes, modules)
    expect(errorOf(() => trainer.trainStep([[1, 2]], [3]))).toBe(
      "schedule can't be read: there is no schedule toString",
    )
  })

  test('any part of the file cut off', () => {
    for (let length = 0; length < file.length; length += Math.ceil(file.length / 97))
      expect(errorOf(() => open(file.subarray(0, length), modules))).not.toBe('')
  })
})

describe('sizes that a file only claims', () => {
  const huge = 2 ** 31
  const claims: Readonly<Record<string, (frozen: Json) => void>> = {
    'arrays of the optimizer': ({ updating }) => {
      updating.slotNames = Array.from({ length: 60_000 }, (_, i) => `s${i}`)
    },
    'groups of losses': ({ updating }) => {
      updating.groups = huge
    },
    'the shape of a weight': ({ weights }) => {
      weights[0].shape = [huge, 8]
    },
    'the same weight many times': (frozen) => {
      frozen.weights = Array.from({ length: 50_000 }, () => frozen.weights[0])
    },
    'the shape of an input': ({ feeds }) => {
      feeds.inputs[0].shape = [huge]
    },
    'rows of a batch': ({ programs }) => {
      for (const { request } of programs) request.rows = huge
    },
    'a batch of no rows': ({ programs }) => {
      for (const { request } of programs) request.rows = 0
    },
  }
  test.each(Object.entries(claims))('%s', (_, change) => {
    const bytes = changed(freeze(small(), { train: [2], predict: [1] }), change)
    expect(errorOf(() => open(bytes, modules))).not.toBe('')
  })

  test('the end of a program takes no memory before that program runs', () => {
    const bytes = changed(freeze(small(), { predict: [1] }), ({ programs }) => {
      programs[0].end = 3 * 2 ** 30
    })
    expect(memoryOf(open(bytes, modules))).toBeLessThanOrEqual(2 ** 20)
    const more = changed(freeze(small(), { predict: [1] }), ({ programs }) => {
      programs[0].end = 2 ** 50
    })
    const trainer = open(more, modules)
    expect(errorOf(() => trainer.predict([[1, 2]]))).toMatch(/WebAssembly memory ends at 4.0 GiB$/)
  })
})

describe('a program that traps', () => {
  /** The first operand of the program for that mode, an address, far outside of the memory. */
  const broken = (index: number) =>
    changed(freeze(small(), { train: [2], evaluate: [2], gradients: [2] }), (_, tensors) => {
      words(tensors, index)[1] = -64
    })
  const [x, y] = [
    [
      [1, 2],
      [3, 4],
    ],
    [1, 2],
  ]
  const calls: Readonly<Record<string, [index: number, call: (trainer: Trainer) => unknown]>> = {
    trainStep: [0, (trainer) => trainer.trainStep(x, y)],
    evaluate: [1, (trainer) => trainer.evaluate(x, y)],
    predict: [2, (trainer) => trainer.predict([[1, 2]])],
    gradients: [3, (trainer) => trainer.gradients(x, y)],
  }
  test.each(Object.entries(calls))(
    '%s ends the trainer, which says so from then on',
    async (_, [index, call]) => {
      const trainer = open(broken(index === 2 ? 2 : index), modules)
      await expect((async () => call(trainer))()).rejects.toThrow(/^the kernels stopped: .*out of bounds/)
      const others: readonly ((own: Trainer) => unknown)[] = [
        ...Object.values(calls).map(([, own]) => own),
        (own) => own.getWeights(),
        (own) => own.setWeights({ 'dense_1/bias': [1, 2, 3] }),
        (own) => own.save(),
      ]
      for (const other of others)
        await expect((async () => other(trainer))()).rejects.toThrow(
          /^this trainer can't go on, since its program failed: .*out of bounds.*; open the file anew$/,
        )
      trainer.dispose()
    },
  )
})

describe('a frozen file is a saved model as well', () => {
  test('load and loadWeights take the weights, and leave the programs', () => {
    const own = small()
    own.trainStep([[1, 2]], [1])
    const bytes = freeze(own, { train: [2], includeOptimizer: true })
    const again = load(bytes)
    expect(again.getWeights()).toEqual(own.getWeights())
    expect(again.trainStep([[1, 2]], [1])).toEqual(own.trainStep([[1, 2]], [1]))
    expect([...decodeSafetensors(again.save()).tensors.keys()].some((name) => name.startsWith('#'))).toBe(
      false,
    )
    const other = small()
    loadWeights(other, bytes)
    expect(other.getWeights()).toEqual(load(bytes).getWeights())
  })

  test('no weight has a name like those of programs', () => {
    expect(errorOf(() => dense({ units: 1, name: '#0' }))).toMatch(/#/)
    const { tensors, metadata } = decodeSafetensors(small().save())
    const network = metadata.network.replaceAll('"dense_1"', '"#0"')
    const renamed = new Map([...tensors].map(([name, tensor]) => [name.replace('dense_1/', '#0/'), tensor]))
    expect(errorOf(() => load(encodeSafetensors(renamed, { ...metadata, network })))).toMatch(/#/)
  })

  test('a tensor that belongs to nothing is named, whatever is in its name', () => {
    const { tensors, metadata } = decodeSafetensors(small().save())
    tensors.set('dense_1/a#b', { shape: [1], data: new Float32Array(1) })
    expect(errorOf(() => load(encodeSafetensors(tensors, metadata)))).toMatch(/no weight "dense_1\/a#b"/)
  })
})

/** Every place of a JSON value, as the list of keys that leads to it. */
function placesOf(value: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at]
  return [at, ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...at, key]))]
}

const others: readonly ((draw: Draw, was: unknown) => unknown)[] = [
  ...[0, 1, -1, 0.5, 3, 4, 64, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e300, Infinity].map(
    (value) => () => value,
  ),
  ...[null, true, '', 'x', '__proto__', 'toString', [], {}, [[]]].map((value) => () => value),
  (draw, was) => (typeof was === 'number' ? was + 4 * (draw(64) - 32) : was),
  (draw, was) => (typeof was === 'number' ? was + 64 * (draw(64) - 32) : was),
  (_, was) => (Array.isArray(was) ? [...was, ...was] : was),
  (_, was) => (Array.isArray(was) ? was.slice(1) : was),
]

/** Everything a trainer does. */
async function use(trainer: Trainer): Promise<void> {
  const calls: readonly (() => unknown)[] = [
    () => trainer.predict(rows),
    () => trainer.trainStep(two, truth),
    () => trainer.trainStep(two, truth, { sampleWeight: { c: [1, 2], d: [1, 2] } }),
    () => trainer.gradients(two, truth),
    () => trainer.evaluate(two, truth),
    () => trainer.getWeights(),
    () => trainer.save(),
  ]
  for (const call of calls) {
    try {
      await call()
    } catch (error) {
      if (!(error instanceof LanegradError)) throw error
    }
  }
}

const MINUTES = 300_000
const COUNT = process.env.CI ? 10_000 : 200

describe('files changed at random', () => {
  test(
    'in their JSON: opened and used',
    async () => {
      const draw = draws(1)
      const { metadata } = decodeSafetensors(wholeFile)
      const places = placesOf(JSON.parse(metadata.frozen)).slice(1)
      let opened = 0
      for (let i = 0; i < COUNT; i++) {
        const place = places[draw(places.length)]
        const bytes = changed(wholeFile, (frozen) => {
          const holder = place.slice(0, -1).reduce((value, key) => value[key], frozen)
          const last = place[place.length - 1]
          holder[last] = others[draw(others.length)](draw, holder[last])
        })
        try {
          const trainer = open(bytes, modules)
          opened++
          expect(memoryOf(trainer)).toBeLessThanOrEqual(2 ** 20)
          await use(trainer)
          trainer.dispose()
        } catch (error) {
          if (!(error instanceof LanegradError)) throw new Error(`${place.join('.')}`, { cause: error })
        }
      }
      expect(opened).toBeGreaterThan(COUNT / 20)
    },
    MINUTES,
  )

  test(
    'in their words: opened',
    () => {
      const draw = draws(2)
      const start = 8 + new DataView(wholeFile.buffer).getUint32(0, true)
      const header = JSON.parse(new TextDecoder().decode(wholeFile.subarray(8, start)))
      const wordsAt = Object.entries<{ data_offsets: [number, number] }>(header).flatMap(
        ([name, { data_offsets }]) =>
          name.endsWith('/words') ? [data_offsets.map((offset) => start + offset)] : [],
      )
      expect(wordsAt).toHaveLength(5)
      for (let i = 0; i < COUNT; i++) {
        const bytes = wholeFile.slice()
        const view = new DataView(bytes.buffer)
        const [begin, end] = wordsAt[draw(wordsAt.length)]
        const at = begin + 4 * draw((end - begin) / 4)
        view.setInt32(at, draw(2) ? view.getInt32(at, true) ^ (1 << draw(32)) : draw(2 ** 31), true)
        errorOf(() => open(bytes, modules).dispose())
      }
    },
    MINUTES,
  )

  test(
    'in their bytes: opened and used',
    async () => {
      const draw = draws(3)
      for (let i = 0; i < COUNT / 10; i++) {
        const bytes = wholeFile.slice()
        const header = 8 + new DataView(bytes.buffer).getUint32(0, true)
        bytes[draw(header)] ^= 1 << draw(8)
        try {
          const trainer = open(bytes, modules)
          await use(trainer)
          trainer.dispose()
        } catch (error) {
          if (!(error instanceof LanegradError)) throw error
        }
      }
    },
    MINUTES,
  )
})
