// Whole nets as people use them: MobileNetV2 and InceptionV3 of npm nsfwjs, quantized to uint8, predict what TensorFlow.js 4.22 (cpu
// backend) predicts for the same image. Its numbers are recorded here, since it takes half a minute for them.
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { tensor } from '../../src/index.ts'
import { loadTfjs } from '../../src/tfjs/index.ts'

const require = createRequire(import.meta.url)
const folder = new URL('node_modules/nsfwjs/dist/models/', import.meta.url)
const isHere = (() => {
  try {
    return readdirSync(folder).length > 0
  } catch {
    return false
  }
})()
const hint = 'npm run test:interchange installs nsfwjs'
if (!isHere) console.log(`skipped, not here: ${hint}`)

/** The JSON or the bytes in base64 that a script of the package gives. */
const partOf = (path: string) => require(fileURLToPath(new URL(path, folder)))

function partsOf(name: string) {
  const shards = readdirSync(new URL(name, folder)).filter((file) => file.includes('shard'))
  return {
    modelJson: partOf(`${name}/model.min.js`) as object,
    weights: shards.sort().map((file) => Buffer.from(partOf(`${name}/${file}`) as string, 'base64')),
  }
}

describe.skipIf(!isHere)(`nets of nsfwjs${isHere ? '' : ` (skipped, not here: ${hint})`}`, () => {
  test.each([
    [
      'mobilenet_v2',
      [
        0.5471470355987549, 0.023188123479485512, 0.4174425005912781, 0.009246856905519962,
        0.002975527197122574,
      ],
    ],
    [
      'inception_v3',
      [
        0.21710915863513947, 0.015833240002393723, 0.7554419636726379, 0.007610351778566837,
        0.004005263093858957,
      ],
    ],
  ])('%s', async (name, wanted) => {
    const model = await loadTfjs(partsOf(name))
    const [{ shape }] = model.session.network.inputs
    const size = shape.reduce<number>((product, n) => product * (n ?? 1), 1)
    const image = Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 256) / 255)
    const { data } = model.predict(tensor(image, [1, ...(shape as number[])]))
    wanted.forEach((value, i) => {
      expect(Math.abs(data[i] - value)).toBeLessThanOrEqual(1e-6 * Math.max(...wanted))
    })
  })

  test('a graph-model beside them is refused', async () => {
    await expect(loadTfjs(partsOf('mobilenet_v2_mid'))).rejects.toThrow(/^loadTfjs: this is a graph-model/)
  })
})
