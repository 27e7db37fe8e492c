// Models of ours as .keras files, which Keras 3 loads. Enters: a model. Leaves: the bytes of the archive.
import { writeHdf5 } from '../../formats/hdf5/write.ts'
import { writeZip } from '../../formats/zip.ts'
import type { Symbolic } from '../../layers/layer.ts'
import type { Model } from '../../model/model.ts'
import type { Values } from '../../network/network.ts'
import { encodeText } from '../../numerics/bytes.ts'
import { writeTopology } from './write.ts'

/** The version of Keras whose files these are. */
const KERAS = '3.15.1'

/**
 * Writes a model as the bytes of a `.keras` file, which `keras.saving.load_model(path)` of Keras 3 reads; training goes on there after
 * `compile`. The layers are those of this model and keep their names, and so do models within it.
 * @throws LanegradError naming all layers and options that Keras doesn't have
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { loadKeras, saveKeras } from 'lanegrad/keras'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * const bytes = saveKeras(model) // await writeFile('model.keras', bytes)
 * console.log(loadKeras(bytes).predict([[1, 2]]).data[0] === model.predict([[1, 2]]).data[0]) // true
 * ```
 */
export function saveKeras<V extends Values = Symbolic>(model: Model<V>): Uint8Array<ArrayBuffer> {
  const { topology, weights } = writeTopology(model, { what: 'saveKeras', dialect: 'keras3', maker: 'Keras' })
  // no date: the same model gives the same bytes
  const metadata = { keras_version: KERAS, date_saved: '1980-01-01@00:00:00' }
  return writeZip({
    'metadata.json': encodeText(JSON.stringify(metadata)),
    'config.json': encodeText(JSON.stringify(topology)),
    'model.weights.h5': writeHdf5(new Map(weights.map(({ place, array }) => [place.path, array]))),
  })
}
