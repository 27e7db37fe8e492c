// Suite `finetune` in onnxruntime-web: prediction alone, of the file that lanegrad's `saveOnnx` makes of the net.
import * as ort from 'onnxruntime-web'

/**
 * @param {import('./nets.mjs').Parts} parts @param {Float32Array} x @param {number[]} shape
 * @returns {Promise<import('../subjects/index.mjs').Predictor>}
 */
export async function predictor(parts, x, shape) {
  const { saveOnnx } = await import('lanegrad/onnx')
  const { load } = await import('./lanegrad.mjs')
  const net = /** @type {any} */ (await load(parts))
  const session = await ort.InferenceSession.create(saveOnnx(net), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  })
  net.dispose()
  const [input] = session.inputNames
  const [output] = session.outputNames
  return {
    async run() {
      const results = await session.run({ [input]: new ort.Tensor('float32', x, shape) })
      return /** @type {Float32Array} */ (results[output].data)
    },
    dispose: () => void session.release(),
  }
}
