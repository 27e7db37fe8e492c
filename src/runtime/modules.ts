// Binaries to instances. Each binary is compiled once per program, on first use, or comes compiled: from `provide`
// (init.ts) or because the runtime compiled it when it loaded the program. Checks that it is of the library's version.

import { instantiateSync } from '@assemblyscript/loader'
import { ABI_VERSION } from '../../assembly/abi.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'
import { isModule, messageOf } from '../numerics/brands.ts'
import { fail } from '../numerics/errors.ts'

/** The exports of every module. */
export interface Kernels {
  readonly ABI_VERSION?: WebAssembly.Global
  /** Function table index of kernel `i`, -1 behind the last. */
  kernelAt(i: number): number
}

/** Room for every module: asconfig.json gives each its tableBase. */
const TABLE_LENGTH = 512

export type Code = WebAssembly.Module

/** By name of the module. */
const compiled = /*#__PURE__*/ new Map<string, Code>()

/** What `init` compiled `compiled` from, by name of the module. */
const given = /*#__PURE__*/ new Map<string, Bytes>()

export type Bytes = Uint8Array<ArrayBuffer>

/** The imports of every module; the core imports a memory alone. */
export interface Environment {
  readonly memory: WebAssembly.Memory
  readonly table?: WebAssembly.Table
}

/** The messages of engines where WebAssembly is forbidden, at compiling or (WebKit) at instantiating, and what helps. */
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

/** @throws LanegradError where there is no WebAssembly at all */
export function checkRuntime(): void {
  if (typeof WebAssembly === 'undefined')
    fail('this runtime has no WebAssembly, or it is switched off (lockdown mode, --jitless)')
}

function refuse(otherwise: string, error: unknown): never {
  const text = messageOf(error)
  const known = refusals.find(([says]) => says.test(text))
  return fail(`${known ? known[1] : otherwise}: ${text}`)
}

/** Makes `code`, compiled from `bytes` if those are known, the module of that name, from the next model on. */
export function provide(name: string, code: Code, bytes?: Bytes): void {
  compiled.set(name, code)
  if (bytes) given.set(name, bytes)
}

/** The bytes that `init` brought. */
export const givenBytes = (name: string): Bytes | undefined => given.get(name)

/** Undefined where it came compiled, or isn't here. */
export const bytesOf = ({ name, binary }: KernelModule): Bytes | undefined =>
  given.get(name) ??
  (typeof binary === 'function' ? binary() : binary === null || isModule(binary) ? undefined : binary)

/** @throws LanegradError where the runtime can't */
export function compileBytes(bytes: Bytes): Code {
  try {
    return new WebAssembly.Module(bytes)
  } catch (error) {
    return refuse(
      "this runtime can't compile WebAssembly with SIMD, as Chrome 91, Firefox 89, Safari 16.4, Node 16.4 and later can",
      error,
    )
  }
}

function compile(module: KernelModule): Code {
  const { name, binary } = module
  if (isModule(binary)) return binary
  const bytes = bytesOf(module)
  return bytes
    ? compileBytes(bytes)
    : fail(`the kernels of module ${name} are not loaded: await init with ${name}.wasm first`)
}

/** A new instance of `code`. @throws LanegradError where it is none of ours, or of another version */
export function instanceOf<E extends Kernels>(name: string, code: Code, env: Environment): E {
  const { table } = env
  if (table && table.length < TABLE_LENGTH) table.grow(TABLE_LENGTH - table.length)
  let exports: E
  try {
    exports = instantiateSync(code, { env: { ...env } }).instance.exports as unknown as E
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

/** `module` compiled. @throws LanegradError where it isn't loaded */
export function codeOf(module: KernelModule): Code {
  const code = compiled.get(module.name) ?? compile(module)
  compiled.set(module.name, code)
  return code
}

/** The exports of a new instance of `module`; `indices` gets its kernels' places in the function table, by op code. */
export function instantiate<E extends Kernels>(
  { name, codes }: KernelModule,
  code: Code,
  indices: number[],
  env: Environment,
): E {
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
