// Subject `tfjs-wasm`: TensorFlow.js on its WebAssembly backend, the SIMD binary, one thread.
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm'
import { env } from '@tensorflow/tfjs-core'
import { tfjsSubject } from './tfjs.mjs'

export const subject = tfjsSubject('tfjs-wasm', 'wasm', async () => {
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  setThreadsCount(1)
  return (await env().getAsync('WASM_HAS_SIMD_SUPPORT')) ? null : 'the engine has no WebAssembly SIMD'
})
