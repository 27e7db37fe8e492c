// The Worker of examples/edge as its bundler makes it, on Node, asked with models of strangers: only its own network is ever
// computed, whatever a file tells.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { beforeAll, describe, expect, test } from 'vitest'
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

describe('the edge example, asked with a model', () => {
  const x = [[1, 2, 3, 4]]
  const labels = ['p', 'q']
  const body = dense({ units: 8, activation: 'tanh', name: 'hidden' })
  const chain = (head: Layer) => sequential({ inputShape: [4], layers: [body, head] })
  let answer: (question: unknown) => Promise<{ status: number; json: Record<string, unknown> }>

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanegrad-edge-'))
    try {
      const base = join(folder, 'base.safetensors')
      writeFileSync(base, chain(dense({ units: 3, activation: 'softmax' })).save())
      await build({
        entryPoints: ['examples/edge/worker.ts'],
        outfile: join(folder, 'worker.mjs'),
        bundle: true,
        format: 'esm',
        platform: 'node',
        target: 'es2022',
        alias: { 'base.safetensors': base },
        loader: { '.safetensors': 'binary' },
        tsconfigRaw: '{}',
      })
      const worker = (await import(pathToFileURL(join(folder, 'worker.mjs')).href)).default
      answer = async (question) => {
        const request = new Request('http://worker/predict', {
          method: 'POST',
          body: JSON.stringify(question),
        })
        const response: Response = await worker.fetch(request)
        return { status: response.status, json: (await response.json()) as Record<string, unknown> }
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
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
