// Files of TensorFlow.js from wherever they come, good and bad: addresses, paths, bytes, files of a page; quantized weights; what can't
// be taken over, told at once; damaged files, of which nothing but a LanegradError may come.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  block,
  conv1d,
  conv2d,
  dense,
  globalAveragePooling2d,
  gru,
  input,
  LanegradError,
  layerNormalization,
  Model,
  maxPooling2d,
  model as modelOf,
  prelu,
  sequential,
  subtract,
  unitNormalization,
} from '../../src/index.ts'
import { loadTfjs, saveTfjs } from '../../src/tfjs/index.ts'

const x = [[0.5, -1, 2]]
const net = sequential({
  inputShape: [3],
  layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 2 })],
  seed: 3,
})
const wanted = net.predict(x).data.join()
const files = saveTfjs(net)
const json = JSON.parse(Buffer.from(files['model.json']).toString())

interface Config {
  [key: string]: unknown
}

/** A chain of layers { class_name, config } as TensorFlow.js has it, with the weights given. */
const chain = (
  layers: readonly [className: string, config: Config][],
  specs: object[] = [],
  bytes: Uint8Array = new Uint8Array(),
) => ({
  modelJson: {
    modelTopology: {
      class_name: 'Sequential',
      config: {
        name: 's',
        layers: layers.map(([class_name, config], i) => ({
          class_name,
          config: { name: `${class_name}_${i}`, ...config },
        })),
      },
      keras_version: 'tfjs-layers 4.22.0',
    },
    weightSpecs: specs,
  },
  weights: bytes,
})

describe('where a model comes from', () => {
  let folder: string
  let address: string
  const server = createServer((request, response) => {
    const path = request.url?.replace(/[?].*/, '') ?? ''
    const isKnown = /^[/](model[.]json|weights[.]bin)$/.test(path)
    response.writeHead(isKnown ? 200 : 404)
    response.end(isKnown ? files[path.slice(1) as keyof typeof files] : '')
  })
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lanegrad-tfjs-'))
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })
  const same = async (source: Parameters<typeof loadTfjs>[0]) => {
    const loaded = await loadTfjs(source)
    expect(loaded.predict(x).data.join()).toBe(wanted)
    expect(loaded).toBeInstanceOf(Model)
    expect(loaded.importNotes).toEqual([])
  }

  test('a path, and an address file:', async () => {
    await same(join(folder, 'model.json'))
    await same(pathToFileURL(join(folder, 'model.json')))
  })

  test('an address, with a query', async () => {
    await same(`${address}/model.json`)
    await same(new URL(`${address}/model.json?key=1`))
  })

  test('files of a page', async () => {
    await same(Object.entries(files).map(([name, bytes]) => new File([new Uint8Array(bytes)], name)))
  })

  test('bytes, text, parsed JSON; weights in shards', async () => {
    const weights = files['weights.bin']
    await same({ modelJson: files['model.json'], weights })
    await same({
      modelJson: Buffer.from(files['model.json']).toString(),
      weights: [weights.slice(0, 9), weights.slice(9).buffer],
    })
    await same({ modelJson: json, weights: new DataView(weights.buffer) })
  })

  test('what is missing is named', async () => {
    await expect(loadTfjs(join(folder, 'other.json'))).rejects.toThrow(/other\.json can't be read/)
    await expect(loadTfjs(`${address}/other.json`)).rejects.toThrow(/other\.json can't be fetched: 404/)
    await expect(loadTfjs([new File([files['model.json']], 'model.json')])).rejects.toThrow(
      /"weights.bin" of the weights is missing/,
    )
    await expect(loadTfjs([])).rejects.toThrow(/one file \.json/)
    for (const source of [null, 5, {}, { modelJson: 5 }, [5]] as never[])
      await expect(loadTfjs(source)).rejects.toBeInstanceOf(LanegradError)
  })

  test.each(['../weights.bin', '/etc/passwd', 'http://example.org/x', 'a\\..\\..\\b'])(
    'a shard elsewhere is refused: %s',
    async (path) => {
      const other = { ...json, weightsManifest: [{ ...json.weightsManifest[0], paths: [path] }] }
      writeFileSync(join(folder, 'elsewhere.json'), JSON.stringify(other))
      await expect(loadTfjs(join(folder, 'elsewhere.json'))).rejects.toThrow(/isn't beside model.json/)
    },
  )
})

describe('weights', () => {
  const layer: [string, Config] = ['Dense', { units: 1, use_bias: false, batch_input_shape: [null, 2] }]
  const kernelOf = async (dtype: object, bytes: Uint8Array) => {
    const specs = [{ name: 'Dense_0/kernel', shape: [2, 1], dtype: 'float32', ...dtype }]
    return (await loadTfjs(chain([layer], specs, bytes))).getWeights()['Dense_0/kernel'].data
  }

  test('quantized to uint8, uint16 and float16', async () => {
    const quantization = { scale: 0.5, min: -1 }
    expect([
      ...(await kernelOf({ quantization: { dtype: 'uint8', ...quantization } }, Uint8Array.of(3, 255))),
    ]).toEqual([0.5, 126.5])
    expect([
      ...(await kernelOf(
        { quantization: { dtype: 'uint16', ...quantization } },
        new Uint8Array(Uint16Array.of(4, 65535).buffer),
      )),
    ]).toEqual([1, 32766.5])
    expect([
      ...(await kernelOf(
        { quantization: { dtype: 'float16' } },
        new Uint8Array(Uint16Array.of(0x3c00, 0xc100).buffer),
      )),
    ]).toEqual([1, -2.5])
  })

  test('cut off, missing, of another shape or type', async () => {
    await expect(kernelOf({}, new Uint8Array(7))).rejects.toThrow(/ends at byte 8 of 7: shards are missing/)
    await expect(kernelOf({ name: 'other' }, new Uint8Array(8))).rejects.toThrow(
      /lacks the weights Dense_0\/kernel/,
    )
    await expect(kernelOf({ shape: [1, 2] }, new Uint8Array(8))).rejects.toThrow(
      /must have the shape \[2,1\]; the file's has \[1,2\]/,
    )
    await expect(kernelOf({ dtype: 'string' }, new Uint8Array(8))).rejects.toThrow(/dtype must be one of/)
  })

  test('memory is taken for what the file holds alone', async () => {
    const huge: [string, Config] = ['Dense', { units: 2 ** 30, batch_input_shape: [null, 2 ** 20] }]
    await expect(loadTfjs(chain([huge]))).rejects.toThrow(/lacks the weights/)
  })
})

describe('what is changed or dropped', () => {
  test('is in importNotes', async () => {
    const config = {
      name: 'a/b:c',
      units: 1,
      use_bias: false,
      batch_input_shape: [null, 2],
      kernel_initializer: { class_name: 'Mine', config: {} },
      activity_regularizer: { class_name: 'L1L2', config: { l1: 0.1 } },
      twist: 5,
    }
    const loaded = await loadTfjs(
      chain(
        [['Dense', config]],
        [{ name: 'a/b:c/kernel', shape: [2, 1], dtype: 'float32' }],
        new Uint8Array(8),
      ),
    )
    expect(loaded.layers[0].name).toBe('a.b.c')
    expect(loaded.importNotes).toEqual([
      'Dense a/b:c: the initializer "Mine" isn\'t known; its weights are those of the file',
      "Dense a/b:c: twist isn't known and was left out",
      'Dense a/b:c: its activity_regularizer, a penalty on outputs, was left out',
      "names that layers can't have here were changed: a/b:c is a.b.c",
    ])
    expect(() => Object.assign(loaded, { importNotes: [] })).toThrow(TypeError)
  })

  test('a graph-model is told what to do', async () => {
    const graph = {
      modelJson: { format: 'graph-model', modelTopology: { node: [] } },
      weights: new Uint8Array(),
    }
    await expect(loadTfjs(graph)).rejects.toThrow(/graph-model.*tfjs_layers_model/)
  })

  test('all classes that we lack are named at once, those in wrappers and in inner models too', async () => {
    const shape = { batch_input_shape: [null, 2] }
    const inner = { layers: [{ class_name: 'Own', config: { name: 'deep', ...shape } }] }
    const source = chain([
      ['Lambda', shape],
      ['Lambda', {}],
      ['TimeDistributed', { layer: { class_name: 'Other', config: {} } }],
      ['Sequential', inner],
    ])
    await expect(loadTfjs(source)).rejects.toThrow(
      /^loadTfjs: lanegrad has no layers of these classes: Lambda \(Lambda_0, Lambda_1\); Other \(TimeDistributed_2\); Own \(deep\)\. Cut the model/,
    )
  })

  test('all options that we lack are named at once', async () => {
    const source = chain([
      [
        'Conv2D',
        { filters: 1, kernel_size: 2, data_format: 'channels_first', batch_input_shape: [null, 4, 4, 1] },
      ],
      ['Dense', { units: 1, activation: 'wobble' }],
      ['Dense', { units: -1 }],
    ])
    await expect(loadTfjs(source)).rejects.toThrow(
      /Conv2D Conv2D_0: data_format "channels_first" \(only "channels_last"\); Dense Dense_1: the activation "wobble"; Dense Dense_2: dense: units must be a positive integer/,
    )
  })
})

describe('saveTfjs', () => {
  test('names all that TensorFlow.js lacks', () => {
    const a = input({ shape: [8, 8, 4] })
    const h = conv2d({ filters: 4, kernelSize: 3, groups: 2, name: 'grouped' })(a)
    const p = maxPooling2d({
      padding: [
        [1, 1],
        [1, 1],
      ],
      name: 'padded',
    })(h)
    const u = unitNormalization({ name: 'unit' })(globalAveragePooling2d({})(p))
    const out = dense({ units: 2, activation: { name: 'celu', alpha: 2 }, name: 'last' })(u)
    const saving = () => saveTfjs(modelOf({ inputs: a, outputs: subtract({ name: 'minus' })(out, out) }))
    expect(saving).toThrow(/^saveTfjs: TensorFlow\.js doesn't have: /)
    for (const part of [
      'unitNormalization (unit)',
      'subtract (minus)',
      'conv2d grouped: groups 2',
      'maxPooling2d padded: padding in numbers',
      'the activation celu (alpha 2)',
    ])
      expect(saving).toThrow(part)
  })

  test.each([
    [
      'gru',
      [4, 2],
      gru({ units: 2, name: 'g' }),
      /gru g: resetAfter true \(make it with resetAfter: false\)/,
    ],
    [
      'causal',
      [4, 2],
      conv1d({ filters: 1, kernelSize: 2, padding: 'causal', name: 'c' }),
      /conv1d c: padding "causal"/,
    ],
    ['a block', [2], block({ layers: [dense({ units: 1 })], name: 'b' }), /block \(b\)/],
  ] as const)('%s', (_, inputShape, layer, message) => {
    expect(() => saveTfjs(sequential({ inputShape, layers: [layer] }))).toThrow(message)
  })

  test('keeps names, frozen layers and models within models', async () => {
    const encoder = sequential({
      inputShape: [3],
      layers: [dense({ units: 2, name: 'in' }), prelu()],
      name: 'encoder',
    })
    const whole = sequential({
      inputShape: [3],
      layers: [encoder, layerNormalization(), dense({ units: 1, trainable: false, name: 'out' })],
    })
    const saved = saveTfjs(whole)
    const loaded = await loadTfjs({ modelJson: saved['model.json'], weights: saved['weights.bin'] })
    expect(loaded.layers.map(({ name, trainable }) => [name, trainable])).toEqual(
      whole.layers.map(({ name, trainable }) => [name, trainable]),
    )
    expect(loaded.predict(x).data.join()).toBe(whole.predict(x).data.join())
  })
})

describe('damaged files', () => {
  const folder = new URL('tfjs/', import.meta.url)
  const samples = readdirSync(folder)
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')))
    .filter(({ weights }) => weights.length < 5000)
  const count = process.env.CI ? 20_000 : 300
  let state = 12345
  const below = (n: number): number => {
    state = (state * 48271) % 0x7fffffff
    return state % n
  }
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]
  const ODD = [
    null,
    -1,
    0,
    1,
    2,
    1.5,
    1e9,
    2 ** 31,
    1e308,
    '',
    'constructor',
    '__proto__',
    'a/b',
    [],
    {},
    [[]],
    [null],
    true,
    false,
  ]

  /** Every place in a value that can be changed: an object or list, and a key. */
  function places(
    value: unknown,
    found: [Record<string, unknown>, string][] = [],
  ): [Record<string, unknown>, string][] {
    if (typeof value !== 'object' || value === null) return found
    for (const key of Object.keys(value)) {
      found.push([value as Record<string, unknown>, key])
      places((value as Record<string, unknown>)[key], found)
    }
    return found
  }

  test(`${count} of them give a model or a LanegradError`, async () => {
    let refusals = 0
    for (let i = 0; i < count; i++) {
      const { modelTopology, weightSpecs, weights } = structuredClone(pick(samples))
      const modelJson = { modelTopology, weightSpecs }
      for (let n = 1 + below(3); n > 0; n--) {
        const all = places(modelJson)
        if (all.length === 0) break
        const [owner, key] = pick(all)
        const way = below(4)
        const other = pick(all)
        if (way === 0) delete owner[key]
        else if (way === 1) owner[key] = structuredClone(other[0][other[1]])
        else if (way === 2) owner[key] = structuredClone(pick(ODD))
        else
          Object.defineProperty(owner, pick(ODD.filter((odd) => typeof odd === 'string')), {
            value: owner[key],
            enumerable: true,
            configurable: true,
            writable: true,
          })
      }
      const bytes = Buffer.from(weights, 'base64')
      const text = JSON.stringify(modelJson)
      const cut = below(20)
      const source =
        cut === 0
          ? { modelJson: text.slice(0, below(text.length)), weights: bytes }
          : {
              modelJson: cut === 1 ? Buffer.from(text).map((byte) => (below(50) ? byte : below(256))) : text,
              weights: cut === 2 ? bytes.subarray(below(bytes.length + 1)) : bytes,
            }
      try {
        const loaded = await loadTfjs(source)
        loaded.dispose()
      } catch (error) {
        refusals++
        if (!(error instanceof LanegradError)) throw new Error(`${error} of ${text}`, { cause: error })
      }
    }
    expect(refusals).toBeGreaterThan(count / 4)
    expect(refusals).toBeLessThan(count)
  }, 600_000)

  test('models within models that would be without end are refused', async () => {
    // each calls the one within it twice: 2^40 calls of layers
    const level = (depth: number): object => {
      const name = `level${depth}`
      const layers: object[] = [
        {
          class_name: 'InputLayer',
          name: 'in',
          config: { name: 'in', batch_input_shape: [null, 1] },
          inbound_nodes: [],
        },
      ]
      const inner: object =
        depth === 0
          ? { class_name: 'ReLU', name: 'l', config: { name: 'l' } }
          : { ...level(depth - 1), name: 'l' }
      const isModel = depth > 0
      layers.push({ ...inner, inbound_nodes: [[['in', 0, 0, {}]], [['l', isModel ? 1 : 0, 0, {}]]] })
      return {
        class_name: 'Model',
        config: { name, layers, input_layers: [['in', 0, 0]], output_layers: [['l', isModel ? 2 : 1, 0]] },
      }
    }
    const source = {
      modelJson: { modelTopology: { ...level(40), keras_version: 'tfjs-layers 4.22.0' }, weightSpecs: [] },
      weights: new Uint8Array(),
    }
    await expect(loadTfjs(source)).rejects.toThrow(/calls of layers/)
  })

  test('a layer that reads itself is refused', async () => {
    const layers = [
      {
        class_name: 'InputLayer',
        name: 'in',
        config: { name: 'in', batch_input_shape: [null, 1] },
        inbound_nodes: [],
      },
      {
        class_name: 'Add',
        name: 'a',
        config: { name: 'a' },
        inbound_nodes: [
          [
            ['in', 0, 0, {}],
            ['a', 0, 0, {}],
          ],
        ],
      },
    ]
    const modelTopology = {
      class_name: 'Model',
      config: { name: 'm', layers, input_layers: [['in', 0, 0]], output_layers: [['a', 0, 0]] },
    }
    await expect(
      loadTfjs({ modelJson: { modelTopology, weightSpecs: [] }, weights: new Uint8Array() }),
    ).rejects.toThrow(/form a cycle through "a"/)
  })
})
