// The bytes of an HDF5 file of unknown origin: every access is checked, and what is followed is counted.
import { decodeText } from '../../numerics/bytes.ts'
import { fail } from '../../numerics/errors.ts'

/** Headers and nodes of trees that a file may have. */
const MOST_PARTS = 1 << 20
/** Files that make more than this of themselves are held to what they have. */
const LEAST_LIMIT = 1 << 28

/** Bytes with every access checked. */
export class Hdf5Bytes {
  readonly bytes: Uint8Array
  readonly view: DataView
  private readonly what: string
  private parts = 0
  private taken = 0
  constructor(what: string, bytes: Uint8Array) {
    this.what = what
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  damaged(why: string): never {
    return fail(`${this.what}: the HDF5 file is damaged: ${why}`)
  }
  unknown(why: string): never {
    return fail(`${this.what}: the HDF5 file has ${why}, which isn't read; write it with h5py's defaults`)
  }
  /** Counts what is followed, so that no file can be endless. */
  count(): void {
    if (++this.parts > MOST_PARTS) this.damaged('it has too many parts')
  }
  /** Counts bytes that are made of the file's; `most`: times as many as it has. */
  take(bytes: number, most: number): void {
    this.taken += bytes
    if (this.taken > Math.max(LEAST_LIMIT, this.bytes.length * most))
      this.damaged(`it claims ${this.taken} bytes and has ${this.bytes.length}: a decompression bomb`)
  }
  within(at: number, length: number): number {
    if (!(at >= 0 && at + length <= this.bytes.length)) this.damaged(`byte ${at} of ${this.bytes.length}`)
    return at
  }
  slice(at: number, length: number): Uint8Array {
    this.within(at, length)
    return this.bytes.subarray(at, at + length)
  }
  u8 = (at: number): number => this.view.getUint8(this.within(at, 1))
  u16 = (at: number): number => this.view.getUint16(this.within(at, 2), true)
  u32 = (at: number): number => this.view.getUint32(this.within(at, 4), true)
  u64 = (at: number): number => this.u32(at) + this.u32(at + 4) * 0x100000000
  /** An integer of `length` bytes. */
  uint(at: number, length: number): number {
    let value = 0
    for (let i = length - 1; i >= 0; i--) value = value * 256 + this.u8(at + i)
    return value
  }
  /** The signature at an address. */
  expect(at: number, signature: string): void {
    for (let i = 0; i < signature.length; i++)
      if (this.u8(at + i) !== signature.charCodeAt(i)) this.damaged(`no ${signature} at byte ${at}`)
  }
  /** A text up to its 0, or up to `end`. */
  text(at: number, end: number): string {
    let to = at
    while (to < end && this.u8(to) !== 0) to++
    return this.utf8(this.slice(at, to - at))
  }
  utf8(bytes: Uint8Array): string {
    try {
      return decodeText(bytes)
    } catch {
      return this.damaged('a text that is not UTF-8')
    }
  }
}
