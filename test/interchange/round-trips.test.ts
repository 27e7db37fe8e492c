// Models that came in go out again: to ONNX and onnxruntime-web, to a frozen file, to a worker, and from maker to maker, with the
// same predictions at every station.
import { readdirSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { describe, expect, test, vi } from 'vitest'
import {
  dense,
  input,
  LanegradError,
  load,
  type Model,
  model as makeModel,
  type NamedArray,
  type Symbolic,
  sequential,
  sgd,
  tensor,
} from '../../src/index.ts'
import { loadKeras, saveKeras } from '../../src/keras/index.ts'
import { loadOnnx, saveOnnx } from '../../src/onnx/index.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { loadTfjs, saveTfjs } from '../../src/tfjs/index.ts'
import { differences } from '../support/frozen.ts'
import { difference } from './onnx/testdata.ts'
import { runFile, runtime } from './onnx-runtime.ts'

const inCi = process.env.CI !== undefined
if (!inCi) console.log('skipped without CI: most round trips')

const folder = new URL('onnx/', import.meta.url)
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.slice(0, -5))
  .filter((name) => inCi || ['gru_17', 'gpt_17'].includes(name))

interface Case {
  readonly shape: readonly number[]
  readonly isIds: boolean
  readonly x: readonly number[]
  readonly y: readonly number[]
  readonly target: readonly number[]
}
const read = (name: string) => {
  const own: Case = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
  const shape = [own.x.length / own.shape.reduce((product, n) => product * n, 1), ...own.shape]
  const x: NamedArray = { shape, data: own.isIds ? Int32Array.from(own.x) : Float32Array.from(own.x) }
  return { bytes: readFileSync(new URL(`${name}.onnx`, folder)), own, x, rows: shape[0] }
}

describe('what torch.onnx has written', () => {
  test.skipIf(!runtime).each(files)('%s: saveOnnx gives it back to onnxruntime-web', async (name) => {
    const { bytes, own, x } = read(name)
    const model = loadOnnx(bytes)
    const again = saveOnnx(model)
    // ids that a model computes with are floats in it
    const fed = model.inputs[0].dtype === 'float32' ? { ...x, data: Float32Array.from(x.data) } : x
    const results = await runFile(runtime as NonNullable<typeof runtime>, again, { x: fed })
    expect(difference(Object.values(results)[0].data, own.y)).toBeLessThan(2e-6)
    expect(difference(loadOnnx(again).predict(x).data, own.y)).toBeLessThan(2e-6)
  })

  test.each(files)('%s: frozen, it trains with the same bits', async (name) => {
    const { bytes, own, x, rows } = read(name)
    const model = loadOnnx(bytes).compile({
      optimizer: sgd({ learningRate: 0.05 }),
      loss: 'meanSquaredError',
    })
    const y = { shape: model.predict(x).shape, data: Float32Array.from(own.target) }
    expect(await differences(model as unknown as Model, rows, 3, () => ({ x, y }))).toEqual([])
  })

  test.runIf(inCi)(
    'a model with layers of operations trains in a worker, to the same bits',
    {
      timeout: 60_000,
    },
    async () => {
      const dist = (name: string) => new URL(`../../dist/${name}.js`, import.meta.url).href
      const onnx = (await import(/* @vite-ignore */ dist('onnx'))) as typeof import('../../src/onnx/index.ts')
      const own = (await import(
        /* @vite-ignore */ dist('worker')
      )) as typeof import('../../src/worker/index.ts')
      const { bytes, x, own: given } = read('gpt_17')
      const made = () =>
        onnx.loadOnnx(bytes).compile({ optimizer: 'sgd', loss: 'meanSquaredError' }) as Model<Symbolic>
      const script = `import('${dist('worker')}').then(({ serveModels }) => serveModels())`
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`))
      try {
        const [here, there] = [made(), await own.workerModel(made(), { worker })]
        expect(here.layers.map(({ kind }) => kind)).toContain('operations')
        const y = { shape: here.predict(x).shape, data: Float32Array.from(given.target) }
        for (let step = 0; step < 2; step++)
          expect((await there.trainStep(x, y)).loss).toBe(here.trainStep(x, y).loss)
        expect((await there.predict(x)).data).toEqual(here.predict(x).data)
      } finally {
        await worker.terminate()
      }
    },
  )
})

// ---- from maker to maker -------------------------------------------------------------------------

interface Sample {
  readonly modelTopology: object
  readonly weightSpecs: readonly object[]
  readonly weights: string
  readonly inputs: readonly { readonly shape: readonly number[]; readonly data: readonly number[] }[]
  readonly outputs: readonly (readonly number[])[]
}
const samples = new URL('tfjs/', import.meta.url)
const sampleNames = readdirSync(samples).filter(
  (name) => inCi || ['nested_functional.json', 'conv2d_s2_same.json'].includes(name),
)

/** What a maker doesn't have, by sample: the chain goes on with the model as it is. */
const LACKS: Readonly<Record<string, string>> = {
  'act_gelu_new.json':
    "saveKeras: Keras doesn't have: dense dense_Dense14: the activation geluTanh (alpha 0)",
  'act_hardSigmoid.json':
    "saveKeras: Keras doesn't have: dense dense_Dense7: the activation hardSigmoid (alpha 0.2)",
  'up2_bilinear.json':
    "saveKeras: Keras doesn't have: upSampling2d up_sampling2d_UpSampling2D2: halfPixel false",
}

const isOne = (made: object): made is NamedArray => 'data' in made && ArrayBuffer.isView(made.data)
const plain = (model: unknown) => model as Model

/** The stations of a model's journey, each of which gives back what it was given. */
const STATIONS: readonly (readonly [string, (model: Model) => unknown])[] = [
  ['Keras', (model) => loadKeras(saveKeras(model))],
  ['ONNX', (model) => loadOnnx(saveOnnx(model))],
  ['lanegrad', (model) => load(model.save())],
]

describe('from TensorFlow.js to Keras, to ONNX, to lanegrad', () => {
  test.each(sampleNames)('%s', async (name) => {
    const { modelTopology, weightSpecs, weights, inputs, outputs } = JSON.parse(
      readFileSync(new URL(name, samples), 'utf8'),
    ) as Sample
    let model = plain(
      await loadTfjs({ modelJson: { modelTopology, weightSpecs }, weights: Buffer.from(weights, 'base64') }),
    )
    const refused: string[] = []
    const check = (station: string) => {
      const isIds = model.session.network.inputs.map(({ dtype }) => dtype === 'int32')
      const names = model.session.network.inputs.map((each) => each.name)
      const arrays = inputs.map(({ shape, data }, i) =>
        tensor(isIds[i] ? Int32Array.from(data) : Float32Array.from(data), shape),
      )
      const { inputStructure } = model.session.network
      const x =
        inputStructure === 'single'
          ? arrays[0]
          : inputStructure === 'list'
            ? arrays
            : Object.fromEntries(names.map((own, i) => [own, arrays[i]]))
      const made = model.predict(x)
      const list: NamedArray[] = isOne(made) ? [made] : Object.values(made)
      expect(list).toHaveLength(outputs.length)
      outputs.forEach((output, i) => {
        expect([station, difference(list[i].data, output) <= 1e-6]).toEqual([station, true])
      })
    }
    for (const [station, pass] of STATIONS) {
      try {
        model = plain(pass(model))
      } catch (error) {
        if (!(error instanceof LanegradError)) throw error
        refused.push(error.message)
      }
      check(station)
    }
    expect(refused.join('; ')).toEqual(LACKS[name] ?? '')
  })
})

test('no reader draws weights that the file holds', async () => {
  const inner = sequential({ inputShape: [6], layers: [dense({ units: 4 })], name: 'inner' })
  const model = sequential({ inputShape: [5], layers: [dense({ units: 6 }), inner, dense({ units: 2 })] })
  const { 'model.json': modelJson, 'weights.bin': weights } = saveTfjs(model)
  const readers: Readonly<Record<string, () => unknown>> = {
    loadTfjs: () => loadTfjs({ modelJson, weights }),
    loadKeras: () => loadKeras(saveKeras(model)),
    loadOnnx: () => loadOnnx(saveOnnx(model)),
    load: () => load(model.save()),
    'a model called within another': () => {
      const x = input({ shape: [5] })
      return makeModel({ inputs: x, outputs: model(x) })
    },
  }
  const drawn = vi.spyOn(Engine.prototype, 'uniform')
  try {
    sequential({ inputShape: [5], layers: [dense({ units: 6 })] })
    expect(drawn).toHaveBeenCalledTimes(1)
    drawn.mockClear()
    for (const [reader, read] of Object.entries(readers)) {
      await read()
      expect([reader, drawn.mock.calls.length]).toEqual([reader, 0])
    }
  } finally {
    drawn.mockRestore()
  }
})
