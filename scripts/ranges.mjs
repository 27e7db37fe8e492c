// The proof that binaries which share a memory and a function table don't overlap in either: each is given places of the table
// from its base in asconfig.json to the next one's, and none has data of its own in the memory (static.mjs). wasm.mjs asks for
// it with every build. It reads the binaries and runs nothing, since the runtime at hand may not have what a binary needs
// (relaxed SIMD). The format: WebAssembly core specification, 5.5.
import { readFileSync } from 'node:fs'

const ELEMENTS = 9
const DATA = 11
const I32_CONST = 0x41
const END = 0x0b

/** A reader of `bytes` from `at` on. */
function readerOf(bytes, at) {
  const reader = {
    get at() {
      return at
    },
    byte: () => bytes[at++],
    /** LEB128, signed or not: addresses and counts, below 2^31. */
    number() {
      let value = 0
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++]
        value |= (byte & 127) << shift
        if (byte < 128) return value
      }
    },
    /** A constant expression. */
    constant() {
      expect(reader.byte() === I32_CONST, 'an address that is no constant')
      const value = reader.number()
      expect(reader.byte() === END, 'an address that is no constant')
      return value
    },
    list: (item) => Array.from({ length: reader.number() }, item),
  }
  return reader
}

function expect(condition, what) {
  if (!condition) throw new Error(`ranges.mjs can't read ${what}`)
}

/** Places of the function table that a binary takes: [first, end]. */
function takenBy(name, bytes) {
  const ranges = []
  for (let at = 8; at < bytes.length; ) {
    const reader = readerOf(bytes, at)
    const id = reader.byte()
    const size = reader.number()
    at = reader.at + size
    if (id === DATA) throw new Error(`${name}.wasm has data in the memory`)
    if (id !== ELEMENTS) continue
    ranges.push(
      ...reader.list(() => {
        expect(reader.number() === 0, 'an element segment of this kind')
        const first = reader.constant()
        return [first, first + reader.list(() => reader.number()).length]
      }),
    )
  }
  return [Math.min(...ranges.map(([first]) => first)), Math.max(...ranges.map(([, end]) => end))]
}

const constantOf = (file, name) =>
  Number(new RegExp(`const ${name} = (\\d+)`).exec(readFileSync(file, 'utf8'))[1])

/** `targets`: of asconfig.json. `read`: gives the bytes of a target's binary. Throws where two overlap. */
export function checkRanges(targets, read = (name) => readFileSync(targets[name].outFile)) {
  const taken = new Map(Object.keys(targets).map((name) => [name, takenBy(name, read(name))]))
  const ranges = Object.entries(targets).map(([name, { tableBase = 1 }]) => ({ name, base: tableBase }))
  ranges.sort((a, b) => a.base - b.base)
  ranges.push({ name: 'nothing', base: constantOf('src/runtime/modules.ts', 'TABLE_LENGTH') })
  ranges.slice(0, -1).forEach(({ name, base }, i) => {
    const [first, end] = taken.get(name)
    const next = ranges[i + 1]
    const where = `${name}.wasm takes places ${first} to ${end} of the function table`
    if (first < base) throw new Error(`${where}: ${base} is the least`)
    if (end > next.base)
      throw new Error(`${where}: ${next.name}.wasm begins at ${next.base} (tableBase in asconfig.json)`)
  })
  return taken
}
