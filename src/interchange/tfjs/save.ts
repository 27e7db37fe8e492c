// Models of ours as files that TensorFlow.js loads. Enters: a model. Leaves: the bytes of `model.json` and of `weights.bin`.
import type { Symbolic } from '../../layers/layer.ts'
import type { Model } from '../../model/model.ts'
import type { Values } from '../../network/network.ts'
import { encodeText } from '../../numerics/bytes.ts'
import { writeTopology } from '../keras/write.ts'

/** The files of a model of TensorFlow.js. */
export interface TfjsFiles {
  readonly 'model.json': Uint8Array<ArrayBuffer>
  readonly 'weights.bin': Uint8Array<ArrayBuffer>
}

/**
 * Writes a model as a layers-model of TensorFlow.js: two files, which lie beside each other. `tf.loadLayersModel` reads them, and
 * training goes on there after `compile`. The layers are those of this model and keep their names, and so do models within it; one
 * that masks go into or come out of is written in line, since TensorFlow.js hands on none.
 * @throws LanegradError naming all layers and options that TensorFlow.js doesn't have
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { loadTfjs, saveTfjs } from 'lanegrad/tfjs'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * const files = saveTfjs(model)
 * const again = await loadTfjs({ modelJson: files['model.json'], weights: files['weights.bin'] })
 * console.log(again.predict([[1, 2]]).data[0] === model.predict([[1, 2]]).data[0]) // true
 * ```
 */
export function saveTfjs<V extends Values = Symbolic>(model: Model<V>): TfjsFiles {
  const { topology, weights } = writeTopology(model, {
    what: 'saveTfjs',
    dialect: 'tfjs',
    maker: 'TensorFlow.js',
  })
  const specs = weights.map(({ place, array: { shape } }) => ({
    name: `${place.layer}/${place.name}`,
    shape,
    dtype: 'float32',
  }))
  const json = {
    format: 'layers-model',
    generatedBy: 'lanegrad',
    convertedBy: null,
    modelTopology: { ...topology, keras_version: 'tfjs-layers 4.22.0', backend: 'tensor_flow.js' },
    weightsManifest: [{ paths: ['weights.bin'], weights: specs }],
  }
  const bytes = new Uint8Array(weights.reduce((sum, { array: { data } }) => sum + data.byteLength, 0))
  let at = 0
  for (const { array } of weights) {
    const { buffer, byteOffset, byteLength } = array.data
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at)
    at += byteLength
  }
  return { 'model.json': encodeText(JSON.stringify(json)) as Uint8Array<ArrayBuffer>, 'weights.bin': bytes }
}
