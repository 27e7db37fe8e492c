// Subject `tfjs-cpu`: TensorFlow.js on its plain JavaScript backend.
import '@tensorflow/tfjs-backend-cpu'
import { tfjsSubject } from './tfjs.mjs'

export const subject = tfjsSubject('tfjs-cpu', 'cpu', async () => null)
