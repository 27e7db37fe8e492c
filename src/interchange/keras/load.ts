// Loads models that Keras has saved: .keras, legacy .h5, or weights alone. Enters: bytes (untrusted). Leaves: a model of ours.
import { type Hdf5Group, isHdf5, readHdf5 } from '../../formats/hdf5/read.ts'
import { parse } from '../../formats/json.ts'
import { kindOf } from '../../formats/signs.ts'
import { isZip, readZip, type Zip } from '../../formats/zip.ts'
import type { Symbolic } from '../../layers/layer.ts'
import { checkModel, type Model } from '../../model/model.ts'
import type { Values } from '../../network/network.ts'
import { type ByteSource, bytesOf, decodeText } from '../../numerics/bytes.ts'
import { checkOptions, fail, isRecord } from '../../numerics/errors.ts'
import type { RuntimeOptions } from '../../runtime/engine.ts'
import type { Imported } from './imported.ts'
import { readTopology } from './read.ts'
import { type Dialect, own } from './row.ts'
import { arraysFor, type Find, finderByName, finderByPath, innerModel, isByPath } from './weights.ts'
import { writeTopology } from './write.ts'

/** Options of `loadKeras`. */
export interface LoadKerasOptions extends RuntimeOptions {}

/** Options of `loadKeras` for weights alone. */
export interface LoadKerasWeightsOptions<V extends Values> {
  /** The model whose weights are set: one that has the layers of Keras's model. */
  readonly model: Model<V>
}

const WHAT = 'loadKeras'
const COMPILED = 'the model was compiled when it was saved; call compile: its optimizer starts anew'

/** The dialect of a version of Keras. */
const dialectOf = (version: unknown): Dialect =>
  Number.parseInt(String(version), 10) >= 3 ? 'keras3' : 'keras2'

interface Content {
  readonly topology: unknown
  readonly dialect: Dialect
  readonly find: Find
}

function jsonIn(what: string, bytes: Uint8Array): unknown {
  let text: string
  try {
    text = decodeText(bytes)
  } catch {
    return fail(`${WHAT}: ${what} must be UTF-8`)
  }
  return parse(`${WHAT}: ${what}`, text)
}

/** The archive of a .keras file, and the root of its weights. */
function opened(bytes: Uint8Array): { zip: Zip; root: Hdf5Group } {
  const zip = readZip(WHAT, bytes)
  if (!zip.names.includes('config.json'))
    fail(`${WHAT}: the archive holds no config.json; it has ${zip.names.slice(0, 10).join(', ')}`)
  const weights = 'model.weights.h5'
  if (!zip.names.includes(weights))
    fail(
      `${WHAT}: the archive holds no ${weights} (weights in .npz or in shards aren't read); save it with model.save(path)`,
    )
  const data = zip.read(weights)
  return { zip, root: readHdf5(`${WHAT}: ${weights}`, data) }
}

/** What a .keras file holds. */
function archived(bytes: Uint8Array): Content {
  const { zip, root } = opened(bytes)
  const metadata = zip.names.includes('metadata.json')
    ? jsonIn('metadata.json', zip.read('metadata.json'))
    : {}
  return {
    topology: jsonIn('config.json', zip.read('config.json')),
    dialect: dialectOf(isRecord(metadata) ? (own(metadata, 'keras_version') ?? 3) : 3),
    find: finderByPath(root),
  }
}

/** A finder for the weights of a model of ours; `hasModels`: it has models within it. */
function finderOf(root: Hdf5Group, hasModels: boolean): Find {
  if (!isByPath(root)) return finderByName(root)
  const inner = hasModels ? undefined : innerModel(root)
  if (inner !== undefined)
    fail(
      `${WHAT}: the file's model has models within it (${inner}); load the .keras or .h5 file of the whole model`,
    )
  return finderByPath(root)
}

/** What a legacy .h5 file holds. */
function legacy(bytes: Uint8Array): Content {
  const root = readHdf5(WHAT, bytes)
  const [config] = root.attribute('model_config') ?? []
  if (config === undefined)
    fail(
      `${WHAT}: the file holds weights alone: loadKeras(bytes, { model }) sets those of a model that has the same layers`,
    )
  const [version = '2'] = root.attribute('keras_version') ?? []
  return {
    topology: parse(`${WHAT}: model_config`, config),
    dialect: dialectOf(version),
    find: finderByName(root),
  }
}

/**
 * Loads a model that Keras 3, tf.keras or Keras 2 has saved: the bytes of a `.keras` file, or of a legacy `.h5`. Files are
 * untrusted. The model is an ordinary one: it trains, saves and freezes. `importNotes` tells what had to be changed or dropped. It isn't
 * compiled, and the state of a saved optimizer is left behind. With `{ model }`, the weights of a `.weights.h5` (or of any of these
 * files) become those of a model that has the same layers, which is returned.
 * @throws LanegradError if the file is damaged, or naming all classes and options that lanegrad doesn't have
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { loadKeras, saveKeras } from 'lanegrad/keras'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * const again = loadKeras(saveKeras(model)) // or: loadKeras(await readFile('model.keras'))
 * console.log(again.predict([[1, 2]]).data[0] === model.predict([[1, 2]]).data[0]) // true
 * ```
 */
export function loadKeras<V extends Values>(bytes: ByteSource, options: LoadKerasWeightsOptions<V>): Model<V>
export function loadKeras<V extends Values = Symbolic>(
  bytes: ByteSource,
  options?: LoadKerasOptions,
): Imported<V>
export function loadKeras<V extends Values>(
  bytes: ByteSource,
  options: LoadKerasOptions & Partial<LoadKerasWeightsOptions<V>> = {},
): Model<V> {
  const { model, ...runtime } = checkOptions(WHAT, options, ['model', 'numerics', 'threads'])
  const file = bytesOf(`${WHAT}: file`, bytes)
  if (!isZip(file) && !isHdf5(file))
    fail(`${WHAT}: expected a .keras file (a zip) or an .h5 file; got ${kindOf(file) ?? 'neither'}`)
  if (model !== undefined) {
    const own = checkModel(`${WHAT}: model`, model)
    for (const key of ['numerics', 'threads'] as const)
      if (options[key] !== undefined)
        fail(`${WHAT}: ${key} is an option of new models; this one has an engine`)
    const root = isZip(file) ? opened(file).root : readHdf5(WHAT, file)
    const { weights } = writeTopology(own, { what: WHAT, dialect: 'keras3', maker: 'Keras' })
    const find = finderOf(
      root,
      weights.some(({ place }) => place.owners.length > 0),
    )
    own.setWeights(arraysFor(WHAT, weights, find))
    return own
  }
  const { topology, dialect, find } = isZip(file) ? archived(file) : legacy(file)
  const compiled = isRecord(topology) ? own(topology, 'compile_config') : null
  const notes = isRecord(compiled) && Object.keys(compiled).length > 0 ? [COMPILED] : []
  return readTopology(topology, { what: WHAT, dialect, find, notes, runtime }) as unknown as Imported<V>
}
