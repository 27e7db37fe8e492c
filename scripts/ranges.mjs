// The proof that binaries which share a memory and a function table don't overlap in either: each is given a range from its
// base in asconfig.json to the next one's. wasm.mjs asks for it with every build. It reads the binaries and runs nothing, since
// the runtime at hand may not have what a binary needs (relaxed SIMD). The format: WebAssembly core specification, 5.5.
import { readFileSync } from 'node:fs'

const EXPORTS = 7
const ELEMENTS = 9
const CODE = 10
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
    skip(count) {
      at += count
    },
    /** LEB128, signed or not: addresses and counts, below 2^31. */
    number() {
      let value = 0
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++]
        value |= (byte & 127) << shift
        if (byte < 128) return value
      }
    },
    text() {
      const length = reader.number()
      at += length
      return new TextDecoder().decode(bytes.subarray(at - length, at))
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

/** Ranges of low memory and of the function table that a binary takes: [first, end], both 0 for none. */
function takenBy(bytes) {
  const sections = new Map()
  for (let at = 8; at < bytes.length; ) {
    const reader = readerOf(bytes, at)
    const id = reader.byte()
    const size = reader.number()
    sections.set(id, reader.at)
    at = reader.at + size
  }
  const listOf = (id, item) => {
    if (!sections.has(id)) return []
    const reader = readerOf(bytes, sections.get(id))
    return reader.list(() => item(reader))
  }
  const segments = listOf(DATA, (reader) => {
    expect(reader.number() === 0, 'a data segment of this kind')
    const first = reader.constant()
    const size = reader.number()
    reader.skip(size)
    return [first, first + size]
  })
  const elements = listOf(ELEMENTS, (reader) => {
    expect(reader.number() === 0, 'an element segment of this kind')
    const first = reader.constant()
    return [first, first + reader.list(() => reader.number()).length]
  })
  // static data that starts as 0 is in no segment: its end is what the binary itself tells
  const bodies = listOf(CODE, (reader) => {
    const size = reader.number()
    reader.skip(size)
    return reader.at - size
  })
  const ends = listOf(EXPORTS, (reader) => [reader.text(), reader.byte(), reader.number()]).filter(
    ([name]) => name === 'staticEnd' || name === 'arenaBase',
  )
  expect(ends.length === 1, 'where static data ends')
  const body = readerOf(bytes, bodies[ends[0][2] - importedFunctions(bytes, sections)])
  expect(body.number() === 0, 'where static data ends')
  const end = body.constant()
  const all = (ranges) => [
    Math.min(...ranges.map(([first]) => first)),
    Math.max(...ranges.map(([, end]) => end)),
  ]
  return {
    memory: [
      Math.min(...segments.map(([first]) => first), end),
      Math.max(...segments.map(([, last]) => last), end),
    ],
    table: all(elements),
  }
}

/** Functions come first in the index space that are imported: none is. */
function importedFunctions(bytes, sections) {
  const reader = readerOf(bytes, sections.get(2))
  let functions = 0
  reader.list(() => {
    reader.text()
    reader.text()
    const kind = reader.byte()
    if (kind === 0) {
      functions++
      reader.number()
      return
    }
    if (kind === 1) reader.byte() // of a table: the type of its elements
    if (kind === 3) return reader.skip(2) // of a global: type, mutability
    const flags = reader.byte()
    reader.number()
    if (flags & 1) reader.number()
  })
  return functions
}

const constantOf = (file, name) =>
  Number(new RegExp(`const ${name} = (\\d+)`).exec(readFileSync(file, 'utf8'))[1])

/** Where the words end that threads share in low memory. */
const jobsEnd = () =>
  constantOf('assembly/abi.ts', 'JOB_SUMS') + 8 * constantOf('assembly/abi.ts', 'JOB_SUM_COUNT')

/** `targets`: of asconfig.json. `read`: gives the bytes of a target's binary. Throws where two overlap. */
export function checkRanges(targets, read = (name) => readFileSync(targets[name].outFile)) {
  const taken = new Map(Object.keys(targets).map((name) => [name, takenBy(read(name))]))
  const places = constantOf('src/runtime/modules.ts', 'TABLE_LENGTH')
  for (const [kind, key, least, most, unit] of [
    ['memory', 'memoryBase', jobsEnd(), Number.POSITIVE_INFINITY, 'bytes'],
    ['table', 'tableBase', 1, places, 'places of the function table'],
  ]) {
    const ranges = Object.entries(targets).map(([name, target]) => ({ name, base: target[key] ?? least }))
    ranges.sort((a, b) => a.base - b.base)
    ranges.forEach(({ name, base }, i) => {
      const [first, end] = taken.get(name)[kind]
      const next = ranges[i + 1]
      const where = `${name}.wasm takes ${unit} ${first} to ${end}`
      if (base < least || first < base) throw new Error(`${where}: ${Math.max(base, least)} is the least`)
      if (end > most) throw new Error(`${where}: it has ${most}`)
      if (next && end > next.base)
        throw new Error(`${where}: ${next.name}.wasm begins at ${next.base} (${key} in asconfig.json)`)
    })
  }
  return taken
}
