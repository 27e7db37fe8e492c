// Loads models that TensorFlow.js has saved or that its converter has written. Enters: files (untrusted). Leaves: a model of ours.
import type { Symbolic } from '../../layers/layer.ts'
import type { Values } from '../../network/network.ts'
import { checkOptions, fail, isRecord } from '../../numerics/errors.ts'
import type { NamedArray } from '../../numerics/tensor.ts'
import type { RuntimeOptions } from '../../runtime/engine.ts'
import type { Imported } from '../keras/imported.ts'
import { readTopology, type WeightPlace } from '../keras/read.ts'
import { type Dialect, own } from '../keras/row.ts'
import { open, type TfjsSource } from './source.ts'
import { readWeights } from './weights.ts'

export type { TfjsParts, TfjsSource } from './source.ts'

/** Options of `loadTfjs`. */
export interface LoadTfjsOptions extends RuntimeOptions {}

/** Who made the model: files of the converter hold what Keras wrote. */
function dialectOf(topology: unknown): Dialect {
  const version = isRecord(topology) ? String(own(topology, 'keras_version') ?? 'tfjs') : ''
  return version.startsWith('tfjs') ? 'tfjs' : Number.parseInt(version, 10) >= 3 ? 'keras3' : 'keras2'
}

/** A finder of weights, which are named `layer/weight`; since TensorFlow 2.2 `layer/cell/weight` for recurrent ones. */
function finder(arrays: ReadonlyMap<string, NamedArray>): (place: WeightPlace) => NamedArray | undefined {
  const shortened = new Map(
    [...arrays].map(([name, array]) => [name.replace(/[^/]+\/([^/]+)$/, '$1'), array]),
  )
  return ({ layer, name }) => arrays.get(`${layer}/${name}`) ?? shortened.get(`${layer}/${name}`)
}

/**
 * Loads a layers-model of TensorFlow.js with its weights (float32, or quantized to float16, uint16 or uint8). The shards lie
 * beside `model.json`; files are untrusted. The model is an ordinary one: it trains, saves and freezes. `importNotes` tells what
 * had to be changed or dropped. It isn't compiled, and the state of a saved optimizer is left behind. A model with several outputs
 * gives a list.
 * @throws LanegradError if the files are damaged, or naming all classes and options that lanegrad doesn't have; for a graph-model
 * @example
 * ```js
 * import { loadTfjs } from 'lanegrad/tfjs'
 *
 * // as tf.io.withSaveHandler gives them; of files: await loadTfjs('https://example.org/model/model.json')
 * const layer = { class_name: 'Dense', config: { name: 'd', units: 1, batch_input_shape: [null, 2] } }
 * const modelTopology = { class_name: 'Sequential', config: { name: 's', layers: [layer] } }
 * const weightSpecs = [['d/kernel', [2, 1]], ['d/bias', [1]]].map(([name, shape]) => ({ name, shape, dtype: 'float32' }))
 * const weights = Float32Array.of(2, 3, 1).buffer
 * const model = await loadTfjs({ modelJson: { modelTopology, weightSpecs }, weights })
 * console.log(model.predict([[1, 1]]).data[0], model.importNotes.length) // 6 0
 * ```
 */
export async function loadTfjs<V extends Values = Symbolic>(
  source: TfjsSource,
  options: LoadTfjsOptions = {},
): Promise<Imported<V>> {
  const runtime = checkOptions('loadTfjs', options, ['numerics', 'threads'])
  const { json, specs, bytes } = await open(source)
  const topology = own(json, 'modelTopology')
  if (own(json, 'format') === 'graph-model' || (isRecord(topology) && 'node' in topology))
    fail(
      'loadTfjs: this is a graph-model, in which the layers are no longer told apart; convert the original model again with ' +
        '--output_format=tfjs_layers_model, or to ONNX for loadOnnx',
    )
  if (!isRecord(topology)) fail('loadTfjs: model.json has no modelTopology: it holds weights alone')
  const notes = own(topology, 'training_config') || own(json, 'trainingConfig') ? [COMPILED] : []
  const arrays = readWeights(specs, bytes)
  const model = readTopology(topology, {
    what: 'loadTfjs',
    dialect: dialectOf(topology),
    find: finder(arrays),
    notes,
    runtime,
  })
  return model as unknown as Imported<V>
}

const COMPILED = 'the model was compiled when it was saved; call compile: its optimizer starts anew'
