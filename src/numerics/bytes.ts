// Bytes as callers have them, and text as UTF-8. Enters: any value that holds bytes, of any realm. Leaves: a Uint8Array that
// every API of a runtime takes and whose memory nobody else changes meanwhile.
import { arrayType, isBuffer, isShared } from './brands.ts'
import { check } from './errors.ts'

/** Bytes: a Uint8Array (Node's Buffer is one), an ArrayBuffer, a SharedArrayBuffer, or a DataView. */
export type ByteSource = Uint8Array | ArrayBufferLike | DataView

/** The bytes, copied only if their memory is shared or may shrink. @throws LanegradError for any other value */
export function bytesOf(what: string, given: ByteSource): Uint8Array<ArrayBuffer> {
  const isView = ArrayBuffer.isView(given) && /^(Uint8Array|undefined)$/.test(`${arrayType(given)}`)
  const { buffer, byteOffset, byteLength } = isView ? given : { buffer: given as ArrayBufferLike }
  const expected =
    'a Uint8Array, ArrayBuffer or DataView (readFile(path), or await (await fetch(url)).arrayBuffer())'
  check(isBuffer(buffer), what, expected, given)
  const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
  const { resizable } = buffer as { readonly resizable?: boolean }
  return resizable || isShared(buffer) ? bytes.slice() : bytes
}

// Jest's jsdom has no TextEncoder, and some shells have neither class: percent-encoding is UTF-8 as well, and as strict.

/** `text` as UTF-8; it has no lone surrogates (JSON.stringify escapes them). */
export function encodeText(text: string): Uint8Array {
  if (typeof TextEncoder === 'function') return new TextEncoder().encode(text)
  const percent = encodeURIComponent(text).match(/%..|./g) ?? []
  return Uint8Array.from(percent, (at) => (at.length > 1 ? Number(`0x${at.slice(1)}`) : at.charCodeAt(0)))
}

/** @throws Error on what isn't UTF-8 */
export function decodeText(utf8: Uint8Array): string {
  if (typeof TextDecoder === 'function')
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(utf8)
  return decodeURIComponent(Array.from(utf8, (byte) => `%${(byte + 256).toString(16).slice(1)}`).join(''))
}
