// The digits: one file, fetched when it is first needed. Enters: gzipped bytes (scripts/playground.mjs says how they lie).
// Leaves: images as bytes, labels, and batches of float rows in [0, 1].

export const SIDE = 28
export const PIXELS = SIDE * SIDE

export interface Images {
  readonly count: number
  /** [count, 784], 0 to 255 */
  readonly pixels: Uint8Array
  readonly labels: Uint8Array
}

export interface Digits {
  readonly train: Images
  readonly test: Images
}

let loading: Promise<Digits> | null = null

/** @throws Error where the file can't be fetched or isn't what it should be; another call then tries again. */
export function loadDigits(): Promise<Digits> {
  loading ??= fetchDigits().catch((error: unknown) => {
    loading = null
    throw error
  })
  return loading
}

async function fetchDigits(): Promise<Digits> {
  const response = await fetch('digits.bin')
  if (!response.ok) throw new Error(`digits.bin: ${response.status} ${response.statusText}`)
  let bytes = new Uint8Array(await response.arrayBuffer())
  // a host may have unzipped it on the way
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
    bytes = new Uint8Array(await new Response(stream).arrayBuffer())
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset)
  const [train, test] = [header.getUint32(0, true), header.getUint32(4, true)]
  if (bytes.length !== 8 + (train + test) * (1 + PIXELS)) throw new Error('digits.bin is damaged')
  let at = 8
  const take = (count: number) => {
    at += count
    return bytes.subarray(at - count, at)
  }
  const labels = [take(train), take(test)]
  const pixels = [take(train * PIXELS), take(test * PIXELS)]
  const set = (i: number, count: number): Images => ({ count, labels: labels[i], pixels: pixels[i] })
  return { train: set(0, train), test: set(1, test) }
}

export interface Batch {
  /** [rows, 784] */
  readonly x: { readonly shape: [number, number]; readonly data: Float32Array }
  readonly y: { readonly shape: [number]; readonly data: Int32Array }
}

const kept = new Map<number, Batch>()

/** A batch of so many rows: always the same arrays, whose numbers last until the next call. */
function batchOf(rows: number): Batch {
  const batch = kept.get(rows) ?? {
    x: { shape: [rows, PIXELS], data: new Float32Array(rows * PIXELS) },
    y: { shape: [rows], data: new Int32Array(rows) },
  }
  kept.set(rows, batch)
  return batch
}

/** Rows `order[from..to)` of a set, or from..to where order is null; overwritten by the next call. */
export function gather(set: Images, order: Uint32Array | null, from: number, to: number): Batch {
  const rows = to - from
  const batch = batchOf(rows)
  const { x, y } = batch
  for (let row = 0; row < rows; row++) {
    const index = order ? order[from + row] : from + row
    y.data[row] = set.labels[index]
    for (let i = 0, source = index * PIXELS, at = row * PIXELS; i < PIXELS; i++)
      x.data[at + i] = set.pixels[source + i] / 255
  }
  return batch
}
