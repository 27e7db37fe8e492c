// Binaries for a memory that threads share. Enters: the bytes of a module, which imports a plain memory. Leaves: the same
// module compiled for a shared one.

import type { KernelModule } from '../binaries/kernel-module.ts'
import { fail } from '../numerics/errors.ts'
import type { Binaries } from './engine.ts'
import { type Bytes, type Code, compileBytes } from './modules.ts'

/** By name of the module; `given`: the bytes that `init` brought by then. */
const compiled = /*#__PURE__*/ new Map<string, { readonly given: Bytes | undefined; readonly code: Code }>()

/** Whether its bytes are here to be compiled anew: not where the runtime compiles .wasm imports. */
export const isShareable = (module: KernelModule, { bytesOf }: Binaries): boolean =>
  compiled.has(module.name) || bytesOf(module) !== undefined

/**
 * A module that is the same but for the memory it imports: shared, with a maximum, as wasm threads demand. Its import
 * section (id 2) has `"memory", 2 (a memory), 0 (no maximum), pages`.
 */
function forSharedMemory(bytes: Bytes): Bytes {
  let at = 8
  const readSize = () => {
    let size = 0
    for (let shift = 0, byte = 128; byte > 127; shift += 7) {
      byte = bytes[at++]
      size |= (byte & 127) << shift
    }
    return size
  }
  while (at < bytes.length) {
    const id = bytes[at++]
    const from = at
    const size = readSize()
    if (id === 2) {
      const section = [...bytes.subarray(at, at + size)]
      const limits = String.fromCharCode(...section).indexOf('memory\x02\0') + 7
      section.splice(limits, 2, 3, section[limits + 1], 0x80, 0x80, 4) // up to 65536 pages
      const head = [...bytes.subarray(0, from), 128 | section.length, section.length >> 7]
      return Uint8Array.from([...head, ...section, ...bytes.subarray(at + size)])
    }
    at += size
  }
  return bytes
}

/** `module` compiled for a shared memory. @throws LanegradError where it isn't loaded, or came compiled */
export function sharedCodeOf(module: KernelModule, { bytesOf, givenBytes, codeOf }: Binaries): Code {
  const { name } = module
  const given = givenBytes(name)
  const known = compiled.get(name)
  if (known && known.given === given) return known.code
  const bytes = bytesOf(module)
  if (!bytes) {
    codeOf(module) // throws where it isn't loaded at all
    return fail(`the kernels of module ${name} came compiled, for one thread: threads need their bytes`)
  }
  const code = compileBytes(forSharedMemory(bytes))
  compiled.set(name, { given, code })
  return code
}
