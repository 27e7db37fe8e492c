// Static memory, taken out of a binary. asc keeps an object there for each function whose place in the function table is asked
// for, and lists of such objects; they never change, and together they are a twentieth of the core's gzipped bytes. Here each
// load of them becomes the number that it would give. The functions of a list get neighbouring places in the table, in their
// order, so that `list[0].index + i` is the place of function i.
import binaryen from 'assemblyscript/binaryen'

/** Bytes in front of an object; its size is the last word of them. */
const HEADER = 20

/** Where asc is to put static memory: no other number in the code is near. */
export const STATIC_BASE = 49152

/** `text` with each load of a constant address replaced by the number that `wordAt` gives for the address, if any. */
function folded(text, wordAt) {
  for (let before = ''; before !== text; ) {
    before = text
    text = text.replace(
      /\(i32\.load(?: offset=(\d+))?\s+\(i32\.const (\d+)\)\s+\)/g,
      (load, offset, address) => {
        const word = wordAt(Number(offset ?? 0) + Number(address))
        return word === undefined ? load : `(i32.const ${word})`
      },
    )
  }
  return text
}

/** `$assembly/kernels/loss-rows/overRows<...>` -> `overRows`. */
const shortName = (name) => name.replace(/<.*/, '').replace(/^.*\//, '').replace(/^\$/, '')

/**
 * Which functions a function may call, as numbers in the binary's order: by name, through the table, and as one of a list
 * (`lists`), where the number of the list follows.
 */
function callsIn(text, places, words, objects, isList) {
  const bodies = text.split(/^(?= \(func )/m).slice(1)
  const names = bodies.map((body) => /^ \(func (\S+)/.exec(body)[1])
  const numberOf = (name) => {
    const number = names.indexOf(name)
    if (number < 0) throw new Error(`calls: no function ${name}`)
    return number
  }
  const lists = [...objects].filter(([, content]) => isList(content))
  const placeOf = (address) => numberOf(places[words.get(address)])
  return {
    names: names.map(shortName),
    // what is called from outside, and at the start
    roots: Object.fromEntries([
      ...Array.from(text.matchAll(/\(export "(\w+)" \(func (\S+)\)\)/g), ([, name, func]) => [
        name,
        numberOf(func),
      ]),
      ...Array.from(text.matchAll(/^ \(start (\S+)\)/gm), ([, func]) => ['', numberOf(func)]),
    ]),
    calls: names.map((_, i) => {
      const direct = Array.from(bodies[i].matchAll(/\(call (\S+)/g), ([, name]) => numberOf(name))
      const listed = new Set()
      const firsts = new Set()
      const referred = new Set()
      folded(bodies[i], (address) => {
        const list = lists.findIndex(
          ([from, content]) => address >= from && address < from + 4 * content.length,
        )
        const word = words.get(address)
        if (list >= 0) {
          listed.add(list)
          firsts.add(word)
        } else if (objects.has(address)) {
          if (!firsts.has(address)) referred.add(placeOf(address))
        }
        return word
      })
      return { calls: [...new Set([...direct, ...referred])], lists: [...listed] }
    }),
    lists: lists.map(([, content]) => content.map(placeOf)),
  }
}

/**
 * The same binary without static memory, and which functions its functions may call (src/freeze/core-for.ts). `bytes` has the
 * functions' names. Throws where the code needs more of that memory than places of the function table.
 */
export function withoutStatics(bytes) {
  binaryen.setGenerateStackIR(true) // the form in which asc writes
  binaryen.setOptimizeStackIR(true)
  binaryen.setDebugInfo(false)
  const all = binaryen.Features
  const features = all.All & ~(all.GC | all.ReferenceTypes)
  const module = binaryen.readBinaryWithFeatures(bytes, features)
  const words = new Map()
  const objects = new Map()
  for (let i = 0; i < module.getNumDataSegments(); i++) {
    const { offset, data } = module.getDataSegmentInfo(module.getDataSegmentByIndex(i))
    const content = Array.from(new Uint32Array(data))
    for (const [j, word] of content.entries()) words.set(offset + 4 * j, word)
    const size = content[HEADER / 4 - 1]
    objects.set(offset + HEADER, content.slice(HEADER / 4, (HEADER + size) / 4))
  }
  const isList = (content) => content.length > 0 && content.every((word) => objects.has(word))
  const lists = [...objects.values()].filter(isList)
  for (const [address, content] of objects)
    if (!isList(content) && (content.length !== 2 || content[1] !== 0))
      throw new Error(`static memory: ${address} is neither a function nor a list of functions`)

  let text = module.emitText().replace(/^ \(data .*\n/gm, '')
  module.dispose()
  let places = []
  text = text.replace(/\(elem (\S+) \(i32\.const (\d+)\) ([^)]+)\)/, (_, name, first, names) => {
    const functions = names.split(' ')
    const listed = lists.flat().map((address) => words.get(address) - first)
    const order = [...new Set([...listed, ...functions.keys()])]
    for (const [address, content] of objects)
      if (!isList(content)) words.set(address, Number(first) + order.indexOf(content[0] - first))
    places = [...Array(Number(first)), ...order.map((i) => functions[i])]
    return `(elem ${name} (i32.const ${first}) ${places.slice(first).join(' ')})`
  })
  const calls = callsIn(text, places, words, objects, isList)
  text = folded(text, (address) => words.get(address))
  const end = Math.max(...words.keys()) + 4
  for (const [what, number] of text.matchAll(/(?:i32\.const |offset=)(\d+)/g))
    if (number >= STATIC_BASE && number < end) throw new Error(`static memory: ${what} may still need it`)

  const without = binaryen.parseText(text)
  without.setFeatures(features)
  without.runPasses(['precompute'])
  const binary = without.emitBinary()
  without.dispose()
  return { binary, calls }
}
