// Models as files of a page's visitor. Enters: a model, or a file that the visitor chose. Leaves: a download, and the model again.
import { loadFrom as loadNamed } from '../interchange/load-from.ts'
import type { Symbolic } from '../layers/layer.ts'
import type { LoadOptions } from '../model/create.ts'
import { checkModel, type Model } from '../model/model.ts'
import type { Values } from '../network/network.ts'
import { messageOf } from '../numerics/brands.ts'
import { BOOLEAN, check, fail, isFunction, isObject, reading, readOptions } from '../numerics/errors.ts'
import type { KeepOptions } from './store.ts'

/** The page. @throws LanegradError outside of one */
const page = (what: string): Document =>
  (globalThis as { readonly document?: Document }).document ??
  fail(`${what}: there is no page here; in Node: saveFile and loadFile, from 'lanegrad/node'`)

/** How long the download's bytes stay, in ms: browsers read them after the click. */
const KEPT_MS = 60_000

/**
 * Offers a model as a download.
 * @param fileName Default 'model.safetensors'.
 * @throws LanegradError outside of a page
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { download } from 'lanegrad/browser'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * try {
 *   download(model, 'mine.safetensors') // in a page, when a button is clicked
 * } catch (error) {
 *   console.log(error.name) // LanegradError
 * }
 * ```
 */
export function download<V extends Values>(
  model: Model<V>,
  fileName = 'model.safetensors',
  options: KeepOptions = {},
): void {
  const what = 'download'
  checkModel(`${what}: model`, model)
  check(typeof fileName === 'string' && fileName !== '', `${what}: fileName`, 'the name of a file', fileName)
  const { includeOptimizer } = readOptions(what, options, { includeOptimizer: [BOOLEAN, true] })
  const document = page(what)
  const blob = new Blob([model.save({ includeOptimizer })], { type: 'application/octet-stream' })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = fileName
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS)
}

/**
 * The model in a file that the visitor chose: of an `<input type="file">`, or dropped on the page. The type parameter and the options
 * are those of `load`.
 * @throws LanegradError that names the file if it can't be read, is damaged, or is of another kind
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { loadBlob } from 'lanegrad/browser'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * const file = new Blob([model.save()]) // in a page: input.files[0]
 * console.log((await loadBlob(file)).layers.length) // 1
 * ```
 */
export async function loadBlob<V extends Values = Symbolic>(
  file: Blob,
  options: LoadOptions = {},
): Promise<Model<V>> {
  const what = 'loadBlob'
  const isBlob = reading(`${what}: file`, () => isObject(file) && isFunction(file.arrayBuffer))
  check(isBlob, `${what}: file`, 'a File or Blob, such as input.files[0]', file)
  const { name = 'the file' } = file as Partial<File>
  const buffer = await file
    .arrayBuffer()
    .catch((error: unknown) => fail(`${what}: can't read ${name}: ${messageOf(error)}`))
  return loadNamed<V>(what, name, new Uint8Array(buffer), options)
}

/**
 * Lets the visitor choose a file, and loads the model in it; null if none is chosen. Call it when a button is clicked: browsers open
 * no dialog otherwise. The type parameter and the options are those of `load`.
 * @throws LanegradError outside of a page, and as `loadBlob`
 * @example
 * ```js
 * import { upload } from 'lanegrad/browser'
 *
 * // in a page: button.onclick = async () => { const model = await upload() }
 * await upload().catch((error) => console.log(error.name)) // LanegradError
 * ```
 */
export async function upload<V extends Values = Symbolic>(
  options: LoadOptions = {},
): Promise<Model<V> | null> {
  const input = page('upload').createElement('input')
  input.type = 'file'
  const file = await new Promise<File | null>((resolve) => {
    input.onchange = () => resolve(input.files?.[0] ?? null)
    input.addEventListener('cancel', () => resolve(null))
    input.click()
  })
  return file && loadBlob<V>(file, options)
}
