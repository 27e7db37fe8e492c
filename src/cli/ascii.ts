// The bytes of a binary as the text of a script, and back. 91 bytes, those that wasm has most, are one printable ASCII character
// each, the others two: gzip sees the bytes' own repetitions, where base64 costs 45 % more. Each byte behind one that says
// "local variable" stands at the text's other end. Code repeats itself more often than its numbers of variables do, and
// gzip makes an eighth less of the two apart than of the bare bytes.

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

/** The instructions local.get, local.set and local.tee; other bytes of these values may be anything. */
const LOCAL_GET = 0x20
const LOCAL_TEE = 0x22

/** The text that stands for bytes; it holds `"`, and no backslash and no line break. */
export function asciiOf(bytes: Uint8Array): string {
  let front = ''
  const back: string[] = [] // from the text's end on, backwards
  for (let i = 0; i < bytes.length; ) {
    const byte = bytes[i++]
    front += CHARACTERS[byte]
    if (byte >= LOCAL_GET && byte <= LOCAL_TEE && i < bytes.length) back.push(...CHARACTERS[bytes[i++]])
  }
  return front + back.reverse().join('')
}

/** Reads a byte into `c`; `next` is the text's next character. */
const read = (next: string): string =>
  `c=${next};if(c>92)c--;else if(c<34){v=(c-31)*${SINGLES};c=${next};c+=c>92?v-1:v}`

/**
 * The declaration in front of such texts in a script: `WASM_BYTES(text)` gives the bytes. A plain loop over bytes: it runs
 * once, before the engine has optimized anything, where charCodeAt costs as much as all the rest.
 */
export const DECODER =
  "const WASM_BYTES=s=>{const b=typeof TextEncoder=='function'?new TextEncoder().encode(s):" + // Jest's jsdom has none
  'Uint8Array.from(s,c=>c.charCodeAt()),o=new Uint8Array(b.length);let n=0,i=0,l=b.length,c,v;while(i<l){' +
  `${read('b[i++]')}c=o[n++]=c+${FIRST_BYTE - 35}&255;` +
  `if(c>${LOCAL_GET - 1}&&c<${LOCAL_TEE + 1}&&i<l){${read('b[--l]')}o[n++]=c+${FIRST_BYTE - 35}}}` +
  'return o.subarray(0,n)};'
