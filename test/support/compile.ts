// Compiles an AssemblyScript entry of the test suite to an instance in memory, with the build's own options.
// In: a path relative to the project's root. Out: the instance's exports. Throws what asc printed.
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The bytes of the module compiled from `path`. */
export async function compileBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer> | undefined
  const options = [
    '--runtime',
    'stub',
    '--enable',
    'simd',
    '--enable',
    'threads',
    '-O3',
    '--converge',
    '--noAssert',
    '--use',
    'abort=',
    '--exportTable',
  ]
  const { error, stderr } = await asc.main([path, '--baseDir', root, '--outFile', 'out.wasm', ...options], {
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm') && typeof contents !== 'string') bytes = Uint8Array.from(contents)
    },
  })
  if (error || !bytes) throw new Error(`asc: ${path}: ${stderr.toString()}`)
  return bytes
}

/** The exports of an instance of the module compiled from `path`, which must import nothing. */
export async function compileEntry(path: string): Promise<WebAssembly.Exports> {
  const { instance } = await WebAssembly.instantiate(await compileBytes(path), {})
  return instance.exports
}
