// The Workers of examples/edge as their bundler makes them, on Node, asked with models of strangers: only their own network is
// ever computed, whatever a file tells.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { beforeAll, describe, expect, test } from 'vitest'
import { freezeBase } from '../../examples/edge/base.ts'
import { coreFor } from '../../src/freeze/index.ts'
import {
  dense,
  input,
  type Layer,
  type Model,
  model,
  reshape,
  sequential,
  upSampling1d,
  type Values,
} from '../../src/index.ts'

type Answer = { status: number; json: Record<string, unknown> }

/** A Worker over the bytes of its base network. */
async function workerFrom(name: 'worker' | 'library', bytes: Uint8Array) {
  const folder = mkdtempSync(join(tmpdir(), 'lanegrad-edge-'))
  try {
    const base = join(folder, 'base.safetensors')
    const core = join(folder, 'base.wasm')
    writeFileSync(base, bytes)
    if (name === 'worker') writeFileSync(core, coreFor(bytes, readFileSync('dist/wasm/core.wasm')))
    await build({
      entryPoints: [`examples/edge/${name}.ts`],
      outfile: join(folder, 'worker.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      alias: { 'base.safetensors': base, 'base.wasm': core },
      loader: { '.safetensors': 'binary', '.wasm': 'binary' },
      tsconfigRaw: '{}',
    })
    const worker = (await import(pathToFileURL(join(folder, 'worker.mjs')).href)).default
    return async (path: string, question: unknown): Promise<Answer> => {
      const body = JSON.stringify(question)
      const response: Response = await worker.fetch(
        new Request(`http://worker/${path}`, { method: 'POST', body }),
      )
      return { status: response.status, json: (await response.json()) as Record<string, unknown> }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const penguinLike = () =>
  sequential({
    inputShape: [4],
    layers: [
      dense({ units: 8, activation: 'tanh', name: 'hidden' }),
      dense({ units: 3, activation: 'softmax' }),
    ],
  })

describe('the edge example over a frozen net', () => {
  const x = [[1, 2, 3, 4]]
  const samples = Array.from({ length: 23 }, (_, i) => ({
    x: [i % 2, 1, 0, 2],
    label: i % 2 ? 'odd' : 'even',
  }))
  let answer: (path: string, question: unknown) => Promise<Answer>
  beforeAll(async () => {
    answer = await workerFrom('worker', freezeBase(penguinLike().save()))
  })
  const base64 = (weights: Float32Array) => Buffer.from(weights.buffer).toString('base64')

  test('learns a number of samples that fills no batch, and answers the same from the weights it gave', async () => {
    const { status, json } = await answer('train', { samples, epochs: 20 })
    expect([status, json.labels]).toEqual([200, ['even', 'odd']])
    const { model, labels } = json
    const [own, sent] = [await answer('predict', { x }), await answer('predict', { x, model, labels })]
    expect(sent).toEqual(own)
    const asked = await answer('predict', { x: samples.map((sample) => sample.x) })
    const predictions = asked.json.predictions as { label: string }[]
    expect(predictions.map(({ label }) => label)).toEqual(samples.map(({ label }) => label))
  })

  test.each<[string, number, () => string, RegExp]>([
    ['weights of another net', 400, () => base64(new Float32Array(7)), /expected \d+ bytes.*got 28/],
    [
      'NaN among the weights',
      422,
      () => base64(new Float32Array(4 * 8 + 8 + 8 * 20 + 20).fill(NaN, 3, 4)),
      /hidden.kernel holds what is no finite number/,
    ],
    [
      'a frozen file',
      400,
      () => Buffer.from(freezeBase(penguinLike().save())).toString('base64'),
      /expected \d+ bytes/,
    ],
  ])('%s: refused with a reason', async (_, status, model, message) => {
    const { status: got, json } = await answer('predict', { x, model: model(), labels: ['p', 'q'] })
    expect([got, json.error]).toEqual([status, expect.stringMatching(message)])
  })
})

describe('the edge example with the full library, asked with a model', () => {
  const x = [[1, 2, 3, 4]]
  const labels = ['p', 'q']
  const body = dense({ units: 8, activation: 'tanh', name: 'hidden' })
  const chain = (head: Layer) => sequential({ inputShape: [4], layers: [body, head] })
  let answer: (question: unknown) => Promise<Answer>

  beforeAll(async () => {
    const ask = await workerFrom('library', chain(dense({ units: 3, activation: 'softmax' })).save())
    answer = (question) => ask('predict', question)
  })

  const asked = (given: Model<Values>) =>
    answer({ x, labels, model: Buffer.from(given.save()).toString('base64') })
  const two = (change: (weight: Float32Array) => void = () => {}) => {
    const net = chain(dense({ units: 2, activation: 'softmax', name: 'dense_1' }))
    const weights = net.getWeights()
    change(weights['dense_1/kernel'].data)
    net.setWeights(weights)
    return net
  }
  const value = () => input({ shape: [4] })

  test('answers with its weights', async () => {
    const { status, json } = await asked(two())
    expect(status).toBe(200)
    const [first] = json.predictions as { label: string; probability: number }[]
    const expected = [...two().predict(x).data]
    expect(first.probability).toBe(Math.max(...expected))
    expect(first.label).toBe(labels[expected.indexOf(first.probability)])
  })

  test.each<[string, number, () => Model<Values>, RegExp]>([
    [
      'NaN among the weights',
      422,
      () => two((w) => w.fill(NaN, 0, 1)),
      /dense_1.kernel holds what is no finite number/,
    ],
    ['weights whose sums have no end', 422, () => two((w) => w.fill(3e38)), /answers NaN/],
    [
      'a list of outputs',
      400,
      () => {
        const from = value()
        return model({ inputs: from, outputs: [dense({ units: 2 })(from), dense({ units: 2 })(from)] })
      },
      /the model has no weight/,
    ],
    [
      'a record of outputs',
      400,
      () => {
        const from = value()
        return model({ inputs: from, outputs: { a: dense({ units: 2, name: 'other' })(from) } })
      },
      /the model has no weight "other/,
    ],
    [
      'a network of 6 GB that takes 2 KB to tell',
      400,
      () => {
        const from = value()
        const larger = upSampling1d({ size: 20_000 })
        const large = reshape({ targetShape: [4, 1] })(from)
        return model({ inputs: from, outputs: larger(larger(large)) })
      },
      /the file lacks/,
    ],
  ])('%s: refused with a reason', async (_, status, make, message) => {
    const { status: got, json } = await asked(make())
    expect([got, json.error]).toEqual([status, expect.stringMatching(message)])
  })
})
