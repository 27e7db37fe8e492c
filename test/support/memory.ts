// Buffers in the memory of a core under test, and calls of single kernels by their operand words.
// Every buffer starts at 64 bytes and is padded with NaN to the next 64: what reads the padding into a result shows
// itself, and `floats` throws if a kernel wrote there.

export type Kernel = (operands: number) => void

/** An operand: an integer word (address, size, flag), or a float immediate of one or two words. */
export type Operand = number | { f32: number } | { f64: number }

const ALIGNMENT = 64

export class Memory {
  private readonly lengths = new Map<number, number>()
  private next = 0

  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly base = 4096,
  ) {
    this.memory.grow(32)
    this.clear()
  }

  /** Forgets all buffers. */
  clear(): void {
    this.lengths.clear()
    this.next = this.base
  }

  /** Address of a new buffer of float32 with these values. */
  put(values: ArrayLike<number>): number {
    const at = this.allocate(values.length * 4)
    const padded = Math.ceil((values.length * 4) / ALIGNMENT) * (ALIGNMENT / 4)
    new Float32Array(this.memory.buffer, at, padded).fill(Number.NaN).set(values)
    this.lengths.set(at, values.length)
    return at
  }

  /** Address of a new buffer of int32. */
  putInts(values: ArrayLike<number>): number {
    const at = this.allocate(values.length * 4)
    new Int32Array(this.memory.buffer, at, values.length).set(values)
    return at
  }

  /** The values of a buffer made by `put`. Throws if its padding was written to. */
  floats(at: number): number[] {
    const length = this.lengths.get(at)
    if (length === undefined) throw new Error(`no buffer at ${at}`)
    const all = new Float32Array(this.memory.buffer, at, Math.ceil(length / 16) * 16)
    if (all.subarray(length).some((x) => !Number.isNaN(x)))
      throw new Error(`padding of the buffer at ${at} was written to`)
    return Array.from(all.subarray(0, length))
  }

  view(): DataView {
    return new DataView(this.memory.buffer)
  }

  allocate(byteCount: number): number {
    const at = this.next
    this.next += Math.max(1, Math.ceil(byteCount / ALIGNMENT)) * ALIGNMENT
    if (this.next > this.memory.buffer.byteLength) throw new Error('the test memory is full')
    return at
  }

  call(kernel: Kernel, operands: readonly Operand[]): void {
    const start = this.allocate(operands.length * 8)
    const view = this.view()
    let at = start
    for (const operand of operands) {
      if (typeof operand === 'number') view.setInt32(at, operand, true)
      else if ('f32' in operand) view.setFloat32(at, operand.f32, true)
      else view.setFloat64(at, operand.f64, true)
      at += typeof operand === 'object' && 'f64' in operand ? 8 : 4
    }
    kernel(start)
  }
}

/** A kernel of a compiled entry, by name. */
export function kernelOf(exports: WebAssembly.Exports, name: string): Kernel {
  const value = exports[name]
  if (typeof value !== 'function') throw new Error(`the entry exports no ${name}`)
  return value as Kernel
}

/** The memory of a compiled entry. */
export function memoryOf(exports: WebAssembly.Exports): Memory {
  if (!(exports.memory instanceof WebAssembly.Memory)) throw new Error('the entry exports no memory')
  return new Memory(exports.memory)
}

/** Multiples of 1/256 in [-range, range], exact in float32; the same for the same seed. */
export function sample(count: number, seed: number, range = 2): Float64Array {
  let state = seed * 7919 + 1
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return Math.round((state / 2 ** 31) * range * 256) / 256
  })
}

/** Largest |got - want| relative to the largest |want| (at least 1). NaN counts as infinite, unless wanted. */
export function worst(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY
  let scale = 1
  let most = 0
  for (let i = 0; i < want.length; i++)
    if (Number.isFinite(want[i])) scale = Math.max(scale, Math.abs(want[i] as number))
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i])) continue
    const difference = Math.abs((got[i] as number) - (want[i] as number))
    most = Math.max(most, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference)
  }
  return most / scale
}
