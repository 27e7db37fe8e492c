// Bytes as the text of a script, and back. 91 bytes, those that wasm has most, are one printable ASCII character each, the
// others two. gzip sees the bytes' own repetitions: 1 % over the bare bytes, where base64 costs 45 %.

/** Byte FIRST_BYTE + i (mod 256), 0 <= i < 91, is character i of those from # on without the backslash ... */
const FIRST_BYTE = 252
const SINGLES = 91
/** ... others are a space or an exclamation mark, 91 further each, and such a character. */
const characterOf = (i: number): string => String.fromCharCode(i + 35 + Number(i > 56))

const CHARACTERS = Array.from({ length: 256 }, (_, byte) => {
  const i = (byte - FIRST_BYTE) & 255
  const prefix = i < SINGLES ? '' : i < 2 * SINGLES ? ' ' : '!'
  return prefix + characterOf(i % SINGLES)
})

/** The text that stands for bytes; it holds `"`, and no backslash and no line break. */
export const asciiOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => CHARACTERS[byte]).join('')

/**
 * The declaration in front of such texts in a script: `WASM_BYTES(text)` gives the bytes. A plain loop over bytes, in place: it runs
 * once, before the engine has optimized anything, where charCodeAt costs as much as all the rest.
 */
export const DECODER =
  "const WASM_BYTES=s=>{const b=typeof TextEncoder=='function'?new TextEncoder().encode(s):" + // Jest's jsdom has none
  'Uint8Array.from(s,c=>c.charCodeAt()),l=b.length;let n=0,i=0;while(i<l){' +
  `let c=b[i++];if(c>92)c--;else if(c<34){const v=(c-31)*${SINGLES};c=b[i++];c+=c>92?v-1:v}` +
  `b[n++]=c+${FIRST_BYTE - 35}}return b.subarray(0,n)};`
