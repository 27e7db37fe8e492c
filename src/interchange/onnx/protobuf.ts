// Protocol buffers, the wire format of ONNX files. Enters: a table of fields and a message as an object, or bytes of unknown
// origin. Leaves: the bytes, or the message.
// A message is a list of fields: varint(number << 3 | wire type), then the value.
//   wire type 0: a varint, 7 bits a byte, lowest first; 1: 8 bytes; 2: varint length, then as many bytes; 5: 4 bytes
// Numbers that repeat may be packed into one value of wire type 2, and are written so. Fields that the table lacks are skipped.
// Nothing is assumed about the bytes: a file that breaks the format is refused with a LanegradError, messages lie at most 64
// deep in each other, and there are at most MOST_MESSAGES of them. Bytes are views of the file; everything else is copied.

import { type ByteSource, bytesOf, decodeText, encodeText } from '../../numerics/bytes.ts'
import { fail } from '../../numerics/errors.ts'

/** How a value is read: a 64-bit integer as a number (exact below 2^53), a number, UTF-8, bytes, or a message of its own. */
export type FieldType = 'int' | 'float' | 'double' | 'text' | 'bytes' | (() => Fields)

/** A field: its name in the object, its type, and whether it repeats. */
export type Field = readonly [name: string, type: FieldType, many?: 'many']

/** The fields of a message by their numbers. */
export type Fields = Readonly<Record<number, Field>>

/** A message as it is written: any field may be missing. */
export type Draft<T> = T extends string | number | Uint8Array
  ? T
  : T extends readonly (infer E)[]
    ? readonly Draft<E>[]
    : { readonly [K in keyof T]?: Draft<T[K]> | undefined }

/** Real networks have a few ten thousand; each takes some hundred bytes of memory, from two bytes of a file. */
const MOST_MESSAGES = 0x80000
const MOST_DEPTH = 64
const WIRE = { int: 0, double: 1, text: 2, bytes: 2, float: 5 }
const wireOf = (type: FieldType): number => (typeof type === 'function' ? 2 : WIRE[type])

/**
 * Reads a message: fields that repeat are lists, empty where there are none; others are undefined where they are missing. Of
 * a field that shouldn't repeat the last value counts.
 * @throws LanegradError `<what>: ...` on bytes that aren't such a message
 */
export function decodeMessage<T>(what: string, given: ByteSource, fields: Fields): T {
  const bytes = bytesOf(what, given)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const broken = (why: string): never => fail(`${what}: ${why} at byte ${at}`)
  let at = 0
  let messages = 0

  const varint = (end: number): number => {
    let low = 0 // bits 0 to 31
    let high = 0 // bits 32 to 63
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) broken('the value goes on behind its end')
      const byte = bytes[at++]
      const bits = byte & 127
      if (shift <= 28) low |= bits << shift
      if (shift >= 28) high |= shift === 28 ? bits >> 4 : bits << (shift - 32)
      if (byte < 128) return high * 0x100000000 + (low >>> 0)
    }
    return broken('a number of more than 10 bytes')
  }
  /** Where `size` bytes from here end. */
  const endOf = (size: number, end: number): number => {
    if (size < 0 || size > end - at) broken(`a value of ${size} bytes where ${end - at} are left`)
    return at + size
  }
  const text = (end: number): string => {
    try {
      return decodeText(bytes.subarray(at, end))
    } catch {
      return broken('a text that is not UTF-8')
    }
  }
  const numbered = (type: FieldType, end: number): number => {
    if (type === 'int') return varint(end)
    const start = at
    at = endOf(type === 'float' ? 4 : 8, end)
    return type === 'float' ? view.getFloat32(start, true) : view.getFloat64(start, true)
  }
  const skip = (wire: number, end: number): void => {
    if (wire === 0) varint(end)
    else if (wire === 1 || wire === 5) at = endOf(wire === 1 ? 8 : 4, end)
    else if (wire === 2) at = endOf(varint(end), end)
    else broken(`a field of wire type ${wire}`)
  }
  const message = (own: Fields, end: number, depth: number): Record<string, unknown> => {
    if (++messages > MOST_MESSAGES) broken(`more than ${MOST_MESSAGES} messages`)
    if (depth > MOST_DEPTH) broken(`messages more than ${MOST_DEPTH} deep in each other`)
    const read: Record<string, unknown> = {}
    for (const [name, , many] of Object.values(own)) read[name] = many ? NONE : undefined
    const keep = ([name, , many]: Field, value: unknown): void => {
      if (!many) read[name] = value
      else if (read[name] === NONE) read[name] = [value]
      else (read[name] as unknown[]).push(value)
    }
    while (at < end) {
      const key = varint(end)
      const wire = key % 8
      const number = (key - wire) / 8
      if (number < 1 || number >= 0x20000000) broken('a field number that none can have')
      const field = Object.hasOwn(own, number) ? own[number] : null
      if (!field) {
        skip(wire, end)
        continue
      }
      const [name, type, many] = field
      const isNumber = typeof type === 'string' && type !== 'text' && type !== 'bytes'
      if (wire !== wireOf(type) && !(isNumber && many && wire === 2))
        broken(`${name} is of wire type ${wire}`)
      if (wire !== 2) {
        keep(field, numbered(type, end))
        continue
      }
      const stop = endOf(varint(end), end)
      if (isNumber) while (at < stop) keep(field, numbered(type, stop))
      else if (typeof type === 'function') keep(field, message(type(), stop, depth + 1))
      else keep(field, type === 'text' ? text(stop) : bytes.subarray(at, stop))
      at = stop
    }
    return read
  }
  return message(fields, bytes.length, 0) as T
}

/** All lists of fields that are missing, so that an empty message takes little memory. */
const NONE: readonly unknown[] = Object.freeze([])

/** A message's bytes; what is undefined, and lists without elements, are left out. */
export function encodeMessage<T>(fields: Fields, given: Draft<T>): Uint8Array<ArrayBuffer> {
  const { parts, size } = encoded(fields, given as Readonly<Record<string, unknown>>)
  const file = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    file.set(part, at)
    at += part.length
  }
  return file
}

/** Bytes in pieces, so that those of weights are copied once, whatever they lie in. */
interface Parts {
  readonly parts: ArrayLike<number>[]
  size: number
}

function add(to: Parts, part: ArrayLike<number>): void {
  to.parts.push(part)
  to.size += part.length
}

function encoded(fields: Fields, given: Readonly<Record<string, unknown>>): Parts {
  const whole: Parts = { parts: [], size: 0 }
  for (const [number, [name, type, many]] of Object.entries(fields)) {
    const value = given[name]
    const values = (many ? (value ?? []) : value === undefined ? [] : [value]) as readonly unknown[]
    if (values.length === 0) continue
    const key = (wire: number) => varintBytes(8 * Number(number) + wire)
    const isNumber = typeof type === 'string' && type !== 'text' && type !== 'bytes'
    if (isNumber) {
      const bytes = values.flatMap((item) => numberBytes(type, item as number))
      add(whole, many ? [...key(2), ...varintBytes(bytes.length)] : key(wireOf(type)))
      add(whole, bytes)
      continue
    }
    for (const item of values) {
      const inner: Parts =
        typeof type === 'function'
          ? encoded(type(), item as Readonly<Record<string, unknown>>)
          : { parts: [], size: 0 }
      if (typeof type === 'string')
        add(inner, type === 'text' ? encodeText(item as string) : (item as Uint8Array))
      add(whole, [...key(2), ...varintBytes(inner.size)])
      for (const part of inner.parts) add(whole, part)
    }
  }
  return whole
}

/** An integer as a varint; a negative one has ten bytes, as a 64-bit word. */
function varintBytes(value: number): number[] {
  const bytes: number[] = []
  if (value < 0) {
    for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
      if (rest < 128n) return [...bytes, Number(rest)]
      bytes.push(Number(rest & 127n) | 128)
    }
  }
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 128)
  }
}

function numberBytes(type: 'int' | 'float' | 'double', value: number): number[] {
  if (type === 'int') return varintBytes(value)
  const view = new DataView(new ArrayBuffer(type === 'float' ? 4 : 8))
  if (type === 'float') view.setFloat32(0, value, true)
  else view.setFloat64(0, value, true)
  return [...new Uint8Array(view.buffer)]
}
