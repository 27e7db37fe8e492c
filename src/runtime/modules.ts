// Binaries to instances. Each binary is compiled once per program, on first use, or comes compiled: from `provide`
// (init.ts) or because the runtime compiled it when it loaded the program. Checks that it is of the library's version.
import { instantiateSync } from '@assemblyscript/loader'
import { ABI_VERSION } from '../../assembly/abi.ts'
import type { KernelModule } from '../graph/kernel.ts'
import { fail } from '../numerics/errors.ts'

/** The exports of every module. */
export interface Kernels {
  readonly ABI_VERSION?: WebAssembly.Global
  /** Function table index of kernel `i`, -1 behind the last. */
  kernelAt(i: number): number
}

/** Room for every module: asconfig.json gives each its tableBase. */
const TABLE_LENGTH = 512

/** By name of the module. */
const compiled = /*#__PURE__*/ new Map<string, WebAssembly.Module>()

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What engines say where WebAssembly is forbidden, at compiling or (WebKit) at instantiating, and what helps. */
const refusals: readonly (readonly [says: RegExp, means: string])[] = [
  [
    /\bCSP\b|Content Security Policy/i,
    "the page's Content-Security-Policy forbids WebAssembly: let script-src have 'wasm-unsafe-eval'",
  ],
  [
    /disallowed by embedder/,
    "this runtime forbids compiling WebAssembly: bundle lanegrad under the condition 'workerd' or 'edge-light'",
  ],
]

function refuse(otherwise: string, error: unknown): never {
  const text = message(error)
  const known = refusals.find(([says]) => says.test(text))
  return fail(`${known ? known[1] : otherwise}: ${text}`)
}

/** Makes `code` the module of that name, from the next model on. */
export const provide = (name: string, code: WebAssembly.Module): unknown => compiled.set(name, code)

function compile({ name, binary }: KernelModule): WebAssembly.Module {
  if (binary === null)
    fail(`the kernels of module ${name} are not loaded: await init (lanegrad/slim) with ${name}.wasm first`)
  try {
    return binary instanceof WebAssembly.Module
      ? binary
      : new WebAssembly.Module(typeof binary === 'function' ? binary() : binary)
  } catch (error) {
    return refuse("this runtime can't compile WebAssembly with SIMD", error)
  }
}

/** A new instance of `code`. @throws LanegradError where it is none of ours, or of another version */
export function instanceOf<E extends Kernels>(
  name: string,
  code: WebAssembly.Module,
  env?: { readonly memory: WebAssembly.Memory; readonly table: WebAssembly.Table },
): E {
  if (env && env.table.length < TABLE_LENGTH) env.table.grow(TABLE_LENGTH - env.table.length)
  let exports: E
  try {
    exports = instantiateSync(code, { env }).exports as unknown as E
  } catch (error) {
    return refuse(`${name}.wasm doesn't fit this version of lanegrad`, error)
  }
  const version = exports.ABI_VERSION?.value
  if (version !== ABI_VERSION)
    fail(
      `${name}.wasm is of another version than the library: its interface has the number ${version}, ` +
        `expected ${ABI_VERSION}; take both from one release`,
    )
  return exports
}

/** The exports of a new instance of `module`; `indices` gets its kernels' places in the function table, by op code. */
export function instantiate<E extends Kernels>(
  module: KernelModule,
  indices: number[],
  env?: { readonly memory: WebAssembly.Memory; readonly table: WebAssembly.Table },
): E {
  const { name, codes } = module
  const code = compiled.get(name) ?? compile(module)
  compiled.set(name, code)
  const exports = instanceOf<E>(name, code, env)
  const [first, end] = codes
  for (let op = first; op <= end; op++) {
    const index = exports.kernelAt(op - first)
    if (index === -1 ? op < end : op === end)
      fail(`${name}.wasm is of another version than the library: its kernels are others`)
    if (op < end) indices[op] = index
  }
  return exports
}
