// Buffers with lifetimes to offsets, so that no two buffers that live at the same time overlap. Pure.
// Greedy by size (Pisarchyk and Lee 2020): the largest buffer first, each into the smallest gap that fits
// between the buffers already placed whose lifetimes meet its own.

export interface Lifetime {
  readonly bytes: number
  /** Index of the operation that writes it first, and of the last that reads or writes it. */
  readonly first: number
  readonly last: number
}

export interface Placement {
  /** In the order of the buffers. */
  readonly offsets: readonly number[]
  readonly peakBytes: number
  /** The most bytes alive at any one operation: no placement can do with less. */
  readonly lowerBoundBytes: number
}

const meet = (a: Lifetime, b: Lifetime): boolean => a.first <= b.last && b.first <= a.last

/** How often a better order is looked for where the first doesn't reach the lower bound. */
const TRIES = 24

/**
 * Where a placement is higher than need be, the buffer at the very top goes first in the next try; the best try
 * counts. Most plans reach the lower bound at once, others after a few tries.
 */
export function placeBuffers(buffers: readonly Lifetime[]): Placement {
  const lowerBoundBytes = liveBytes(buffers)
  const order = buffers.map((_, i) => i)
  order.sort((i, j) => buffers[j].bytes - buffers[i].bytes || buffers[i].first - buffers[j].first || i - j)
  let best = place(buffers, order)
  let last = best
  for (let n = 0; n < TRIES && best.peakBytes > lowerBoundBytes; n++) {
    const top = order.findIndex((i) => last.offsets[i] + buffers[i].bytes === last.peakBytes)
    order.unshift(...order.splice(top, 1))
    last = place(buffers, order)
    if (last.peakBytes < best.peakBytes) best = last
  }
  return { ...best, lowerBoundBytes }
}

function place(buffers: readonly Lifetime[], order: readonly number[]): Omit<Placement, 'lowerBoundBytes'> {
  const offsets = new Array<number>(buffers.length).fill(0)
  const placed: number[] = [] // indices, by offset
  let peakBytes = 0
  for (const i of order) {
    const buffer = buffers[i]
    let best = -1
    let bestGap = Number.POSITIVE_INFINITY
    let free = 0 // end of the neighbours passed so far
    for (const j of placed) {
      if (!meet(buffers[j], buffer)) continue
      const gap = offsets[j] - free
      if (gap >= buffer.bytes && gap < bestGap) {
        best = free
        bestGap = gap
      }
      free = Math.max(free, offsets[j] + buffers[j].bytes)
    }
    const offset = best >= 0 ? best : free
    offsets[i] = offset
    peakBytes = Math.max(peakBytes, offset + buffer.bytes)
    let at = placed.length
    while (at > 0 && offsets[placed[at - 1]] > offset) at--
    placed.splice(at, 0, i)
  }
  return { offsets, peakBytes }
}

function liveBytes(buffers: readonly Lifetime[]): number {
  const change = new Map<number, number>()
  for (const { first, last, bytes } of buffers) {
    change.set(first, (change.get(first) ?? 0) + bytes)
    change.set(last + 1, (change.get(last + 1) ?? 0) - bytes)
  }
  let live = 0
  let most = 0
  for (const [, bytes] of [...change].sort(([a], [b]) => a - b)) {
    live += bytes
    most = Math.max(most, live)
  }
  return most
}
