// Models in a page's IndexedDB. Enters: a model and an address, `indexeddb://<name>`. Leaves: an entry that is there as a whole or not
// at all (one transaction), and the model again.
import { loadFrom as loadNamed } from '../interchange/load-from.ts'
import type { Symbolic } from '../layers/layer.ts'
import type { LoadOptions } from '../model/create.ts'
import { checkModel, type Model } from '../model/model.ts'
import type { Values } from '../network/network.ts'
import { messageOf } from '../numerics/brands.ts'
import { BOOLEAN, check, fail, isObject, LanegradError, readOptions, show } from '../numerics/errors.ts'

/** Options of `saveTo` and `download`. */
export interface KeepOptions {
  /** Whether the optimizer's state is saved, so that training goes on bit for bit. Default true. */
  readonly includeOptimizer?: boolean
}

/** A model that is kept, as `listSaved` tells it. */
export interface SavedModel {
  readonly name: string
  /** Its size in bytes. */
  readonly bytes: number
  readonly savedAt: Date
}

interface Entry {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly savedAt: Date
}

const DATABASE = 'lanegrad'
const STORE = 'models'
const SCHEME = 'indexeddb://'

/** @throws LanegradError for anything but `indexeddb://<name>` */
function nameIn(what: string, address: string): string {
  const holds = typeof address === 'string' && address.startsWith(SCHEME) && address.length > SCHEME.length
  check(holds, `${what}: address`, "'indexeddb://' and a name", address)
  return address.slice(SCHEME.length)
}

const nameOf = (error: unknown): string => (isObject(error) && 'name' in error ? String(error.name) : '')

/** Runs `work` in one transaction. Resolves with its request's result once the transaction is on the disk. */
async function transact<T>(
  what: string,
  mode: 'readonly' | 'readwrite',
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await open(what)
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: 'strict' })
      const request = work(transaction.objectStore(STORE))
      transaction.oncomplete = () => resolve(request.result)
      transaction.onabort = () => reject(transaction.error ?? request.error)
    })
  } finally {
    database.close()
  }
}

async function open(what: string): Promise<IDBDatabase> {
  const instead = 'download(model) saves it as a file'
  try {
    const { indexedDB } = globalThis as { readonly indexedDB?: IDBFactory }
    if (!indexedDB) fail('this runtime has no IndexedDB')
    return await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(DATABASE, 1)
      request.onupgradeneeded = () => request.result.createObjectStore(STORE)
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  } catch (error) {
    const why =
      error instanceof LanegradError
        ? error.message
        : `this page can't keep anything in IndexedDB (a private window, a sandboxed frame, or blocked site data): ${messageOf(error)}`
    return fail(`${what}: ${why}; ${instead}`)
  }
}

/**
 * Saves a model in the page's IndexedDB, whole or not at all, in place of one of that name.
 * @param address `indexeddb://` and a name
 * @throws LanegradError where there is no IndexedDB (some private windows, sandboxed frames) or no room: it says which models could go
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { saveTo } from 'lanegrad/browser'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * // in a page it is kept; here, where there is no IndexedDB, it is refused
 * await saveTo(model, 'indexeddb://mine').catch((error) => console.log(error.name)) // LanegradError
 * ```
 */
export async function saveTo<V extends Values>(
  model: Model<V>,
  address: string,
  options: KeepOptions = {},
): Promise<void> {
  const what = 'saveTo'
  checkModel(`${what}: model`, model)
  const name = nameIn(what, address)
  const { includeOptimizer } = readOptions(what, options, { includeOptimizer: [BOOLEAN, true] })
  const entry: Entry = { bytes: model.save({ includeOptimizer }), savedAt: new Date() }
  try {
    await transact(what, 'readwrite', (store) => store.put(entry, name))
  } catch (error) {
    if (error instanceof LanegradError) throw error
    const size = `${Math.ceil(entry.bytes.length / 1000)} KB`
    if (nameOf(error) !== 'QuotaExceededError')
      fail(`${what}: can't keep ${show(name)} (${size}): ${messageOf(error)}`)
    const others = (await listSaved()).filter((saved) => saved.name !== name)
    const list = others.map((saved) => `${show(saved.name)} (${Math.ceil(saved.bytes / 1000)} KB)`).join(', ')
    fail(
      `${what}: the browser gives this page no room for ${show(name)} (${size}); ` +
        `${list ? `removeSaved makes room; kept are ${list}` : 'free some of the disk'}; or download(model)`,
    )
  }
}

/**
 * The model that `saveTo` kept, ready to train on. The type parameter and the options are those of `load`.
 * @param address `indexeddb://` and its name
 * @throws LanegradError if there is none of that name (it says which there are), or it is damaged
 * @example
 * ```js
 * import { loadFrom } from 'lanegrad/browser'
 *
 * // in a page: the model; here there is no IndexedDB
 * await loadFrom('indexeddb://mine').catch((error) => console.log(error.name)) // LanegradError
 * ```
 */
export async function loadFrom<V extends Values = Symbolic>(
  address: string,
  options: LoadOptions = {},
): Promise<Model<V>> {
  const what = 'loadFrom'
  const name = nameIn(what, address)
  const entry = await transact<Partial<Entry> | undefined>(what, 'readonly', (store) => store.get(name))
  if (!entry) {
    const names = (await listSaved()).map((saved) => show(saved.name)).join(', ')
    return fail(
      `${what}: nothing is kept under ${show(name)}; ${names ? `kept are ${names}` : 'nothing is kept yet'}`,
    )
  }
  const { bytes } = entry
  check(ArrayBuffer.isView(bytes), `${what}: ${address}`, 'a model that saveTo kept', entry)
  return loadNamed<V>(what, address, bytes, options)
}

/**
 * The models that `saveTo` kept on this page's site, by name.
 * @throws LanegradError where there is no IndexedDB
 * @example
 * ```js
 * import { listSaved } from 'lanegrad/browser'
 *
 * // in a page: [{ name: 'mine', bytes: 1234, savedAt: Date }]; here there is no IndexedDB
 * await listSaved().catch((error) => console.log(error.name)) // LanegradError
 * ```
 */
export async function listSaved(): Promise<SavedModel[]> {
  const what = 'listSaved'
  const names = await transact(what, 'readonly', (store) => store.getAllKeys())
  const entries = await transact<Partial<Entry>[]>(what, 'readonly', (store) => store.getAll())
  return entries.map(({ bytes, savedAt }, i) => ({
    name: String(names[i]),
    bytes: bytes?.length ?? 0,
    savedAt: savedAt ?? new Date(0),
  }))
}

/**
 * Removes a model that `saveTo` kept. Returns whether there was one.
 * @param address `indexeddb://` and its name
 * @throws LanegradError where there is no IndexedDB
 * @example
 * ```js
 * import { removeSaved } from 'lanegrad/browser'
 *
 * // in a page: whether there was one; here there is no IndexedDB
 * await removeSaved('indexeddb://mine').catch((error) => console.log(error.name)) // LanegradError
 * ```
 */
export async function removeSaved(address: string): Promise<boolean> {
  const what = 'removeSaved'
  const name = nameIn(what, address)
  const known = await transact(what, 'readonly', (store) => store.count(name))
  await transact(what, 'readwrite', (store) => store.delete(name))
  return known > 0
}
