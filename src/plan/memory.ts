// Buffers with lifetimes to offsets, so that no two buffers that live at the same time overlap. Pure.
// Greedy by size (Pisarchyk and Lee 2020): the largest buffer first, each into the smallest gap that fits
// between the buffers already placed whose lifetimes meet its own.

export interface Lifetime {
  readonly bytes: number
  /** Index of the operation that writes it first, and of the last that reads or writes it. */
  readonly first: number
  readonly last: number
}

interface Placement {
  /** In the order of the buffers. */
  readonly offsets: readonly number[]
  readonly peakBytes: number
  /** The most bytes alive at any one operation: no placement can do with less. */
  readonly lowerBoundBytes: number
}

/** How often a better order is looked for where the first doesn't reach the lower bound. */
const TRIES = 24
/** Pairs of buffers that all tries together may look at: about 50 ms. More buffers, fewer tries. */
const PAIRS = 6_000_000

/**
 * For more buffers than can be compared with each other: in the order of time, each takes the place of one of its size
 * that has died, else a new one at the top.
 */
function placeMany(buffers: readonly Lifetime[]): Omit<Placement, 'lowerBoundBytes'> {
  const offsets = new Array<number>(buffers.length).fill(0)
  const births = buffers.map((_, i) => i).sort((i, j) => buffers[i].first - buffers[j].first || i - j)
  const deaths = buffers.map((_, i) => i).sort((i, j) => buffers[i].last - buffers[j].last || i - j)
  const free = new Map<number, number[]>()
  let dead = 0
  let peakBytes = 0
  for (const i of births) {
    const { bytes, first } = buffers[i]
    for (; buffers[deaths[dead]].last < first; dead++) {
      const { bytes: size } = buffers[deaths[dead]]
      const places = free.get(size) ?? []
      places.push(offsets[deaths[dead]])
      free.set(size, places)
    }
    const place = free.get(bytes)?.pop()
    offsets[i] = place ?? peakBytes
    if (place === undefined) peakBytes += bytes
  }
  return { offsets, peakBytes }
}

/**
 * Where a placement is higher than need be, the buffer at the very top goes first in the next try; the best try
 * counts. Most plans reach the lower bound at once, others after a few tries.
 */
export function placeBuffers(buffers: readonly Lifetime[]): Placement {
  const lowerBoundBytes = liveBytes(buffers)
  const tries = Math.min(TRIES, PAIRS / buffers.length / buffers.length)
  if (tries < 1) return { ...placeMany(buffers), lowerBoundBytes }
  const order = buffers.map((_, i) => i)
  order.sort((i, j) => buffers[j].bytes - buffers[i].bytes || buffers[i].first - buffers[j].first || i - j)
  let best = place(buffers, order)
  let last = best
  for (let n = 0; n < tries && best.peakBytes > lowerBoundBytes; n++) {
    const top = order.findIndex((i) => last.offsets[i] + buffers[i].bytes === last.peakBytes)
    order.unshift(order.splice(top, 1)[0])
    last = place(buffers, order)
    if (last.peakBytes < best.peakBytes) best = last
  }
  return { ...best, lowerBoundBytes }
}

function place(buffers: readonly Lifetime[], order: readonly number[]): Omit<Placement, 'lowerBoundBytes'> {
  const offsets = new Array<number>(buffers.length).fill(0)
  // Those placed, by offset. Lists and plain loops: this runs cold, where a call, an iterator or the number that a Float64Array
  // gives costs most of a plan.
  const firsts: number[] = []
  const lasts: number[] = []
  const starts: number[] = []
  const ends: number[] = []
  let peakBytes = 0
  for (let count = 0; count < order.length; count++) {
    const { bytes, first, last } = buffers[order[count]]
    let best = -1
    let bestGap = 0
    let free = 0 // end of the neighbours passed so far
    for (let j = 0; j < count; j++) {
      if (firsts[j] > last || lasts[j] < first) continue
      const gap = starts[j] - free
      if (gap >= bytes && (best < 0 || gap < bestGap)) {
        best = free
        bestGap = gap
      }
      if (ends[j] > free) free = ends[j]
    }
    const offset = best >= 0 ? best : free
    offsets[order[count]] = offset
    if (offset + bytes > peakBytes) peakBytes = offset + bytes
    let at = count
    while (at > 0 && starts[at - 1] > offset) at--
    firsts.splice(at, 0, first)
    lasts.splice(at, 0, last)
    starts.splice(at, 0, offset)
    ends.splice(at, 0, offset + bytes)
  }
  return { offsets, peakBytes }
}

function liveBytes(buffers: readonly Lifetime[]): number {
  const changes = new Array<number>(2 + buffers.reduce((end, { last }) => Math.max(end, last), 0)).fill(0)
  for (const { first, last, bytes } of buffers) {
    changes[first] += bytes
    changes[last + 1] -= bytes
  }
  let live = 0
  let most = 0
  for (let i = 0; i < changes.length; i++) {
    live += changes[i]
    if (live > most) most = live
  }
  return most
}
