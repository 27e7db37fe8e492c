// Models in files. Enters: a model and a path. Leaves: a file that is there as a whole or not at all, and the model again.
import { filesFor, fileWriter } from '../callbacks/files.ts'
import { loadFrom } from '../interchange/load-from.ts'
import type { Symbolic } from '../layers/layer.ts'
import type { LoadOptions } from '../model/create.ts'
import { checkModel, type Model } from '../model/model.ts'
import type { Values } from '../network/network.ts'
import { messageOf } from '../numerics/brands.ts'
import { BOOLEAN, check, fail, readOptions } from '../numerics/errors.ts'

/** Options of `saveFile`. */
export interface SaveFileOptions {
  /** Whether the optimizer's state is saved, so that training goes on from the file bit for bit. Default true. */
  readonly includeOptimizer?: boolean
}

/**
 * Saves a model in a file, whole or not at all: it is written beside its place and renamed, so that whoever reads it, and whatever
 * is killed meanwhile, sees the old file or the new one. The folder is made if needed.
 * @throws LanegradError if it can't be written; then an older file is as it was
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { loadFile, saveFile } from 'lanegrad/node'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
 * await model.fit([[1], [2]], [1, 2], { epochs: 3 })
 * await saveFile(model, 'build/example-model.safetensors')
 * const again = await loadFile('build/example-model.safetensors')
 * console.log(again.trainStep([[1]], [1]).loss === model.trainStep([[1]], [1]).loss) // true
 * ```
 */
export async function saveFile<V extends Values>(
  model: Model<V>,
  path: string,
  options: SaveFileOptions = {},
): Promise<void> {
  const where = 'saveFile'
  checkModel(`${where}: model`, model)
  const { includeOptimizer } = readOptions(where, options, { includeOptimizer: [BOOLEAN, true] })
  check(typeof path === 'string' && path !== '', `${where}: path`, 'a file path', path)
  const writer = fileWriter(where, 'write', path, undefined)
  try {
    await writer.replace(path, model.save({ includeOptimizer }))
  } finally {
    await writer.close()
  }
}

/**
 * The model that a file holds, ready to train on. Files are untrusted input. The type parameter and the options are those of `load`.
 * @throws LanegradError that names the file if it can't be read, is damaged, or is of another kind
 * @example
 * ```js
 * import { loadFile } from 'lanegrad/node'
 *
 * await loadFile('no-such-file').catch((error) => console.log(error.name)) // LanegradError
 * ```
 */
export async function loadFile<V extends Values = Symbolic>(
  path: string,
  options: LoadOptions = {},
): Promise<Model<V>> {
  const where = 'loadFile'
  check(typeof path === 'string' && path !== '', `${where}: path`, 'a file path', path)
  if (/^https?:/.test(path))
    fail(
      `${where}: ${path} is an address; load(await (await fetch(url)).arrayBuffer()) gets a model from there`,
    )
  const fs = filesFor(where)
  const bytes = await fs
    .readFile(path)
    .catch((error: unknown) => fail(`${where}: can't read ${path}: ${messageOf(error)}`))
  return loadFrom<V>(where, path, bytes, options)
}
