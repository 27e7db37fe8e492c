// Models from ONNX files: what torch.onnx writes of the networks in models.py predicts and trains as PyTorch itself does; the test
// data of the ONNX project give the outputs that they should.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { load, sgd } from '../../../src/index.ts'
import { loadOnnx } from '../../../src/onnx/index.ts'
import { difference, type Row, runCases, TESTDATA } from './testdata.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

interface Case {
  readonly shape: readonly number[]
  readonly isIds: boolean
  readonly x: readonly number[]
  readonly y: readonly number[]
  readonly target: readonly number[]
  readonly losses: readonly number[]
  readonly after: readonly number[]
}

const read = (name: string) => ({
  bytes: readFileSync(`${here}${name}.onnx`),
  own: JSON.parse(readFileSync(`${here}${name}.json`, 'utf8')) as Case,
})

const inputOf = ({ isIds, x }: Case) => (isIds ? Int32Array.from(x) : Float32Array.from(x))

const names = readdirSync(here)
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.slice(0, -5))
  .sort()

const kindsOf = (name: string) => loadOnnx(read(name).bytes).layers.map(({ kind }) => kind)

describe('what torch.onnx writes', () => {
  test.each(names)('%s: predictions, three steps of SGD, the prediction after them', (name) => {
    const { bytes, own } = read(name)
    const model = loadOnnx(bytes)
    const x = inputOf(own)
    expect(difference(model.predict(x as never).data, own.y)).toBeLessThan(2e-6)
    model.compile({ optimizer: sgd({ learningRate: 0.1 }), loss: 'meanSquaredError' })
    const losses = own.losses.map(
      () => model.trainStep(x as never, Float32Array.from(own.target) as never).loss,
    )
    expect(difference(losses, own.losses)).toBeLessThan(2e-5)
    expect(difference(model.predict(x as never).data, own.after)).toBeLessThan(2e-5)
  })

  test.each(names)('%s: a saved model loads and gives the same bits', (name) => {
    const { bytes, own } = read(name)
    const model = loadOnnx(bytes)
    const x = inputOf(own)
    const again = load(model.save())
    expect([...again.predict(x as never).data]).toEqual([...model.predict(x as never).data])
  })

  test('a convolutional net has layers alone, and permutations at its ends', () => {
    const kinds = kindsOf('cnn_17')
    expect(kinds.filter((kind) => kind === 'permute')).toHaveLength(1)
    expect(kinds).not.toContain('operations')
    expect(kindsOf('resnet_17').filter((kind) => kind === 'permute')).toHaveLength(1)
  })
})

// ---- the ONNX project's own test data -------------------------------------------------------------

const hasData = existsSync(TESTDATA)
if (!hasData) console.log(`skipped: ${TESTDATA} is missing (apt-get install libonnx-testdata)`)

/** The least numbers of cases that pass. */
const LEAST = { 'pytorch-converted': 82, 'pytorch-operator': 33, node: 330 }

describe.skipIf(!hasData)('the test data of the ONNX project', () => {
  const kinds = process.env.CI ? Object.keys(LEAST) : ['pytorch-converted', 'pytorch-operator']
  test.each(kinds as (keyof typeof LEAST)[])('%s', { timeout: 120_000 }, (kind) => {
    const rows = runCases(kind)
    const of = (outcome: Row['outcome']) => rows.filter((row) => row.outcome === outcome)
    console.log(
      `${kind}: ${of('passed').length} passed, ${of('refused').length} refused, ${of('failed').length} failed, ${of('left out').length} left out`,
    )
    expect(of('failed')).toEqual([])
    expect(of('passed').length).toBeGreaterThanOrEqual(LEAST[kind])
  })
})
