// The core for one frozen file: the same binary, in which functions that the file's programs never call have no body any more.
// Enters: the file; which functions may call which, as the build found it. Leaves: the binary, two thirds as large when gzipped.
import {
  LOSS_FIRST_ROW,
  LOSS_GRAD_TERMS,
  LOSS_TERMS,
  LOSS_TERMS_KIND,
  MATMUL_ADD_COLUMNS,
  MATMUL_FLAGS,
  MATMUL_FN,
  MATMUL_K,
  MATMUL_M,
  MATMUL_N,
  MATMUL_SMALL_WORK,
  OP_LOSS,
  OP_LOSS_GRAD,
  OP_MATMUL,
  OP_UNARY,
  OP_UNARY_GRAD,
  OP_UPDATE,
  OPTIMIZER_SGD,
  UNARY_FN,
  UNARY_GRAD_FN,
  UPDATE_AMSGRAD,
  UPDATE_DECAY,
  UPDATE_FLAGS,
  UPDATE_KIND,
} from '../../assembly/abi.ts'
import graph from '../../build/core.calls.json'
import { decodeTensors, ownReaders } from '../formats/safetensors.ts'
import { isInt32 } from '../numerics/brands.ts'
import { type ByteSource, bytesOf } from '../numerics/bytes.ts'
import { fail } from '../numerics/errors.ts'
import { PROGRAM_MARK } from '../session/frozen.ts'

/** Exports that one thread with weights of its own never calls. */
const UNCALLED = ['share', 'uniform']

/** Kernels by op code, from the first one on. */
const kernels = () => graph.lists[graph.calls[graph.roots.kernelAt].lists[0]]

/** The functions of losses per element and per row. */
const ELEMENTS = ['elementLoss', 'elementsGrad']
const ROWS = ['overRows']

/** The functions that a product doesn't call: those of small ones, of those with a row or a column, and of added columns. */
const avoidedBy = (M: number, N: number, K: number, flags: number): readonly string[] => [
  ...(flags & MATMUL_ADD_COLUMNS ? [] : ['addColumns']),
  ...(M * N * K > MATMUL_SMALL_WORK ? ['smallProduct'] : []),
  ...(M > 1 && N > 1 ? ['thinProduct', 'columnProduct'] : []),
]

/** The functions that an update doesn't call: those of other optimizers, and of what this one goes without. */
const avoidedByUpdate = (kind: number, flags: number, hasDecay: boolean): readonly string[] => {
  if (kind === OPTIMIZER_SGD) return ['adam', 'adamDecayed']
  return hasDecay || flags & UPDATE_AMSGRAD ? [] : ['adamDecayed']
}

/** What the words of an instruction choose. */
interface Choice {
  /** The place, in each list of functions, of the one it calls; null: it may call any. */
  readonly entry: number | null
  /** The names of functions that it doesn't call. */
  readonly avoided: readonly string[]
}

const ANY: Choice = { entry: null, avoided: [] }

function choiceOf(code: number, wordAt: (offset: number) => number): Choice {
  const byLoss = (kind: number): Choice => ({
    entry: null,
    avoided: kind < LOSS_FIRST_ROW ? ROWS : ELEMENTS,
  })
  switch (code) {
    case OP_UNARY:
      return { entry: wordAt(UNARY_FN), avoided: [] }
    case OP_UNARY_GRAD:
      return { entry: wordAt(UNARY_GRAD_FN), avoided: [] }
    case OP_MATMUL:
      return {
        entry: wordAt(MATMUL_FN),
        avoided: avoidedBy(wordAt(MATMUL_M), wordAt(MATMUL_N), wordAt(MATMUL_K), wordAt(MATMUL_FLAGS)),
      }
    case OP_LOSS:
      return byLoss(wordAt(LOSS_TERMS + LOSS_TERMS_KIND))
    case OP_LOSS_GRAD:
      return byLoss(wordAt(LOSS_GRAD_TERMS + LOSS_TERMS_KIND))
    case OP_UPDATE: {
      const hasDecay = wordAt(UPDATE_DECAY) !== 0 || wordAt(UPDATE_DECAY + 4) !== 0 // a float64
      return { entry: null, avoided: avoidedByUpdate(wordAt(UPDATE_KIND), wordAt(UPDATE_FLAGS), hasDecay) }
    }
    default:
      return ANY
  }
}

/** Adds what `fn` may call to `kept`. */
function keep(fn: number, { entry, avoided }: Choice, kept: Set<number>): void {
  const seen = new Set<number>()
  const visit = (at: number): void => {
    if (seen.has(at) || avoided.includes(graph.names[at])) return
    seen.add(at)
    kept.add(at)
    const { calls, lists } = graph.calls[at]
    const listed = lists.map((number) => graph.lists[number]).filter((list) => list !== kernels())
    const chosen = listed.flatMap((list) => (entry === null ? list : list.slice(entry, entry + 1)))
    for (const own of [...calls, ...chosen]) visit(own)
  }
  visit(fn)
}

/** The numbers of the functions that programs call. @throws LanegradError on words that aren't a program */
function neededBy(programs: readonly Int32Array[]): Set<number> {
  const kept = new Set<number>()
  const byCode = kernels()
  for (const [name, fn] of Object.entries(graph.roots)) if (!UNCALLED.includes(name)) keep(fn, ANY, kept)
  for (const words of programs)
    for (let at = 0; at < words.length; at += words[at] >>> 16) {
      if (words[at] >>> 16 < 1) fail('coreFor: file: an instruction has no length')
      const code = words[at] & 0xffff
      const operands = at + 1
      const kernel = byCode[code - OP_UNARY]
      if (kernel === undefined)
        keep(byCode[OP_MATMUL - OP_UNARY], ANY, kept) // kernels of modules multiply by the core's
      else
        keep(
          kernel,
          choiceOf(code, (offset) => words[operands + offset / 4]),
          kept,
        )
    }
  return kept
}

const CODE_SECTION = 10

/** `binary` with an empty body, which traps, for every function that isn't `kept`. */
function without(binary: Uint8Array, kept: ReadonlySet<number>): Uint8Array<ArrayBuffer> {
  const out = [...binary.subarray(0, 8)]
  let at = 8
  const number = (): number => {
    let value = 0
    for (let shift = 0; shift < 32; shift += 7) {
      const byte = binary[at++]
      value |= (byte & 127) << shift
      if (byte < 128) break
    }
    return value >>> 0
  }
  const written = (value: number): number[] =>
    value < 128 ? [value] : [(value & 127) | 128, ...written(value >>> 7)]
  while (at < binary.length) {
    const id = binary[at++]
    const end = number() + at
    const content: number[] = []
    if (id === CODE_SECTION) {
      const count = number()
      if (count !== graph.names.length)
        fail('coreFor: core: expected the core.wasm of this release of lanegrad')
      content.push(...written(count))
      for (let fn = 0; fn < count; fn++) {
        const start = at
        at = number() + at
        // size, no locals, unreachable, end
        content.push(...(kept.has(fn) ? binary.subarray(start, at) : [3, 0, 0, 11]))
      }
    } else content.push(...binary.subarray(at, end))
    out.push(id, ...written(content.length), ...content)
    at = end
  }
  return new Uint8Array(out)
}

/**
 * The core of the kernels with only what the programs of a frozen file call, for `open(file, { core })` from
 * `lanegrad/slim/run`, which has no core inside. It is code, like the program that opens the file; other files need a core of
 * their own.
 * @param file what `freeze` gave
 * @param core the bytes of the whole core, `lanegrad/wasm/core.wasm`
 * @returns the bytes of a .wasm file
 * @throws LanegradError on anything but a frozen file and this release's core
 * @example
 * ```js
 * import { readFileSync } from 'node:fs'
 * import { dense, sequential } from 'lanegrad'
 * import { coreFor, freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/slim/run'
 *
 * const file = freeze(sequential({ inputShape: [2], layers: [dense({ units: 1 })] }))
 * const core = coreFor(file, readFileSync(new URL(import.meta.resolve('lanegrad/wasm/core.wasm'))))
 * console.log(open(file, { core }).predict([[1, 2]]).shape) // [ 1, 1 ]
 * ```
 */
export function coreFor(file: ByteSource, core: ByteSource): Uint8Array<ArrayBuffer> {
  const binary = bytesOf('coreFor: core', core)
  if (!WebAssembly.validate(binary)) fail('coreFor: core: expected the bytes of core.wasm')
  const { tensors } = decodeTensors(bytesOf('coreFor: file', file), ownReaders)
  const programs = Array.from(tensors).flatMap(([name, { data }]) =>
    name.startsWith(PROGRAM_MARK) && name.endsWith('/words') && isInt32(data) ? [data] : [],
  )
  if (programs.length === 0) fail('coreFor: file: it has no programs (freeze makes them, save does not)')
  return without(binary, neededBy(programs))
}
