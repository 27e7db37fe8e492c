// Bytes as text in scripts: what the decoder gives back, with and without a TextEncoder, is what went in.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { asciiOf, DECODER } from '../../src/cli/ascii.ts'

const decoderWith = (encoder: unknown): ((text: string) => Uint8Array) =>
  new Function('TextEncoder', `${DECODER}return WASM_BYTES`)(encoder)

test.each([
  ['with a TextEncoder', TextEncoder],
  ['without one', undefined],
])('every byte comes back: %s', (_, encoder) => {
  const decode = decoderWith(encoder)
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  expect([...decode(asciiOf(all))]).toEqual([...all])
  // every byte, and those around the three whose followers stand apart
  const any = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ min: 30, max: 36, maxLength: 30 }))
  fc.assert(
    fc.property(any, (bytes) => {
      expect([...decode(asciiOf(bytes))]).toEqual([...bytes])
    }),
    { numRuns: 400, seed: 1 },
  )
})

test('the text is printable ASCII without a backslash: it stands in a literal as it is', () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  expect(asciiOf(all)).toMatch(/^[ !#-[\]-~]+$/)
})
