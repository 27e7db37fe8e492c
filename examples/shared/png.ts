// Writes a grey picture as a PNG file (ISO 15948): signature, header, one block of compressed rows, end.
//
// In:  brightness from 0 to 1, row by row. Out: the bytes of the file.

import { deflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const GREY_8_BITS = [8, 0, 0, 0, 0]

/** The checksum of the format: CRC-32, bit by bit. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const whole = Buffer.alloc(body.length + 8)
  whole.writeUInt32BE(data.length, 0)
  whole.set(body, 4)
  whole.writeUInt32BE(checksum(body), body.length + 4)
  return whole
}

export function greyPng(pixels: Float32Array, columnCount: number): Buffer {
  const rowCount = pixels.length / columnCount
  const header = Buffer.alloc(13)
  header.writeUInt32BE(columnCount, 0)
  header.writeUInt32BE(rowCount, 4)
  header.set(GREY_8_BITS, 8)
  const rows = new Uint8Array(rowCount * (columnCount + 1)) // in front of each row 0: no filter
  pixels.forEach((brightness, i) => {
    rows[i + Math.floor(i / columnCount) + 1] = Math.round(255 * Math.min(Math.max(brightness, 0), 1))
  })
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', new Uint8Array())]
  return Buffer.concat([SIGNATURE, ...chunks])
}
