// Models that TensorFlow.js 4.22 has made and saved, with inputs and its own predictions: each comes in and predicts the same.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { tensor } from '../../src/index.ts'
import { loadTfjs } from '../../src/tfjs/index.ts'

const folder = new URL('tfjs/', import.meta.url)

interface Sample {
  readonly modelTopology: object
  readonly weightSpecs: readonly object[]
  readonly weights: string
  readonly inputs: readonly { readonly shape: readonly number[]; readonly data: readonly number[] }[]
  readonly outputs: readonly (readonly number[])[]
}

const sampleOf = (name: string): Sample => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))

describe('samples of TensorFlow.js', () => {
  const names = readdirSync(folder)
  test('are all there', () => {
    expect(names).toHaveLength(40)
  })

  test.each(names)('%s', async (name) => {
    const { modelTopology, weightSpecs, weights, inputs, outputs } = sampleOf(name)
    const model = await loadTfjs({
      modelJson: { modelTopology, weightSpecs },
      weights: Buffer.from(weights, 'base64'),
    })
    const isIds = model.session.network.inputs.map(({ dtype }) => dtype === 'int32')
    const x = inputs.map(({ shape, data }, i) =>
      tensor(isIds[i] ? Int32Array.from(data) : Float32Array.from(data), shape),
    )
    const y = [model.predict(x.length === 1 ? x[0] : x)].flat()
    expect(y).toHaveLength(outputs.length)
    y.forEach(({ data }, i) => {
      const largest = Math.max(...outputs[i].map(Math.abs))
      expect(data).toHaveLength(outputs[i].length)
      data.forEach((value, at) => {
        expect(Math.abs(value - outputs[i][at])).toBeLessThanOrEqual(1e-6 * largest)
      })
    })
  })
})
