// The binaries, where the library's build brings none (lanegrad/slim): fetched, as bytes or compiled elsewhere. All that
// are given are compiled and checked before the first one counts.
import { isModule, messageOf } from '../numerics/brands.ts'
import { type ByteSource, bytesOf } from '../numerics/bytes.ts'
import { check, checkOptions, fail, isObject, unknownName } from '../numerics/errors.ts'
import { checkRuntime, instanceOf, provide } from './modules.ts'

/**
 * A binary of the package: `core` for every model, the others for the layers, activations, optimizers and options that need
 * them.
 */
export type ModuleName =
  | 'core'
  | 'attention'
  | 'convolution'
  | 'extras'
  | 'functions'
  | 'mathematics'
  | 'normalize'
  | 'optimizers'
  | 'pooling'
  | 'random'
  | 'recurrent'
  | 'relaxed'
  | 'threads'
  | 'training'

const NAMES: readonly ModuleName[] = [
  'core',
  'attention',
  'convolution',
  'extras',
  'functions',
  'mathematics',
  'normalize',
  'optimizers',
  'pooling',
  'random',
  'recurrent',
  'relaxed',
  'threads',
  'training',
]

/** Not every runtime compiles it, and `relaxed()` alone takes it. */
const OPTIONAL = 'relaxed'

/** Where the binaries come from: one of `url`, `bytes`, `modules`. */
export interface InitOptions {
  /** The folder they are fetched from, as `lanegrad/wasm/` has them. A browser resolves it against the page. */
  readonly url?: string | URL
  /** Those to fetch from `url`. Default: all but `relaxed`, which `relaxed()` takes. */
  readonly only?: readonly ModuleName[]
  /** The bytes of each, compiled here. */
  readonly bytes?: { readonly [name in ModuleName]?: ByteSource }
  /** Each compiled already. */
  readonly modules?: { readonly [name in ModuleName]?: WebAssembly.Module }
}

async function fetchBytes(url: string): Promise<ArrayBuffer> {
  const response = await fetch(url).catch((error) => fail(`init: can't load ${url}: ${messageOf(error)}`))
  if (!response.ok) fail(`init: can't load ${url}: ${response.status} ${response.statusText}`)
  return response.arrayBuffer()
}

/** A binary, and the bytes it was compiled from. */
type Loaded = readonly [WebAssembly.Module, Uint8Array<ArrayBuffer>?]

/** null: the optional one, where the runtime lacks its instructions. */
async function compile(
  where: string,
  name: ModuleName,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Loaded | null> {
  if (name === OPTIONAL && !WebAssembly.validate(bytes)) return null
  const code = await WebAssembly.compile(bytes).catch((error) =>
    fail(`init: this runtime can't compile ${where}: ${messageOf(error)}`),
  )
  return [code, bytes]
}

/** Throws where `code` can't be instantiated, or is of another version. */
function tryOut(name: ModuleName, code: WebAssembly.Module): void {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const table = new WebAssembly.Table({ initial: 0, element: 'anyfunc' })
  instanceOf(name, code, name === 'core' ? { memory } : { memory, table })
}

function checkModuleName(name: string): asserts name is ModuleName {
  if (!NAMES.includes(name as ModuleName)) unknownName('module', name, NAMES)
}

/**
 * Loads the compiled kernels: before the first model, and before the first one of another kind if not all are loaded
 * at once. May be called again for more.
 * @throws LanegradError where a file is missing, is no WebAssembly or of another version than the library; nothing has
 * been loaded then
 * @example
 * ```js
 * import { readFileSync } from 'node:fs'
 * import { dense, init, sequential } from 'lanegrad/slim'
 *
 * const file = new URL(import.meta.resolve('lanegrad/wasm/core.wasm'))
 * await init({ bytes: { core: readFileSync(file) } }) // in a page: await init({ url: '/wasm/' })
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * console.log(model.predict([[1, 2]]).shape) // [ 1, 1 ]
 * ```
 */
export async function init(options: InitOptions): Promise<void> {
  checkOptions('init', options, ['url', 'only', 'bytes', 'modules'])
  checkRuntime()
  const { url, only = NAMES.filter((name) => name !== OPTIONAL), bytes, modules } = options
  const given = [url, bytes, modules].filter((source) => source !== undefined)
  if (given.length !== 1) fail(`init: give one of url, bytes, modules; got ${given.length} of them`)
  if (options.only !== undefined && url === undefined) fail('init: only is for url')

  // nothing starts before all is checked
  const loading: (readonly [ModuleName, () => Loaded | Promise<Loaded | null>])[] = []
  if (url !== undefined) {
    check(
      typeof url === 'string' || (isObject(url) && typeof url.href === 'string'),
      'init: url',
      'a string or URL',
      url,
    )
    check(Array.isArray(only), 'init: only', 'a list of names', only)
    const folder = `${url}`.replace(/\/?$/, '/')
    for (const name of only) {
      const path = `${folder}${name}.wasm`
      checkModuleName(name)
      loading.push([name, async () => compile(path, name, bytesOf(path, await fetchBytes(path)))])
    }
  } else {
    const what = bytes === undefined ? 'modules' : 'bytes'
    const binaries: unknown = options[what]
    check(typeof binaries === 'object' && binaries !== null, `init: ${what}`, 'an object by module', binaries)
    for (const [name, code] of Object.entries(binaries)) {
      checkModuleName(name)
      const where = `init: ${what}.${name}`
      if (bytes === undefined) {
        check(isModule(code), where, 'a WebAssembly.Module', code)
        loading.push([name, () => [code]])
      } else {
        const read = bytesOf(where, code)
        loading.push([name, () => compile(`bytes.${name}`, name, read)])
      }
    }
  }
  const loaded = await Promise.all(loading.map(async ([name, code]) => [name, await code()] as const))
  for (const [name, binary] of loaded) if (binary) tryOut(name, binary[0])
  for (const [name, binary] of loaded) if (binary) provide(name, ...binary)
}
