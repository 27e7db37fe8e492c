// Subject `onnxruntime-web`: Microsoft's inference runtime on WebAssembly, one thread, all its graph optimizations on.
// It doesn't train; its models are written by peers/onnx.mjs.
import * as ort from 'onnxruntime-web'
import { onnxModel, onnxShape } from '../peers/onnx.mjs'
import * as pretrained from '../pretrained/onnxruntime-web.mjs'
import { installedVersion } from './index.mjs'

/** @type {import('./index.mjs').Subject} */
export const subject = {
  name: 'onnxruntime-web',
  version: () => installedVersion('onnxruntime-web'),
  optimizers: ['adam', 'sgd'],
  pretrained,

  async available() {
    ort.env.wasm.numThreads = 1
    ort.env.logLevel = 'error'
    return null
  },

  async predictor(net) {
    const { batches, batchSize, inputShape, inputDtype } = net
    const { Worker } = globalThis
    const session = await ort.InferenceSession.create(onnxModel(net), {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'all',
    })
    // it leaves its own Worker behind as a global, by which others would think themselves in a browser
    if (!Worker) Reflect.deleteProperty(globalThis, 'Worker')
    const [output] = session.outputNames
    const shape = onnxShape(batchSize, inputShape)
    return {
      async run(i) {
        const x = new ort.Tensor(inputDtype, /** @type {any} */ (batches[i % batches.length].x), shape)
        const results = await session.run({ x })
        return /** @type {Float32Array} */ (results[output].data)
      },
      dispose: () => void session.release(),
    }
  },
}
