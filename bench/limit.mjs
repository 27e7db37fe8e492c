// The multiply-add limit of this machine: f32x4 mul and add on values that never leave the registers.
// Enters: nothing. Leaves: a callable that does a known number of flops. It is what a WebAssembly SIMD kernel
// without fused multiply-add can't exceed, so the share of it tells how much of a product's time is not arithmetic.
// How many independent chains hide the latency without spilling differs between CPUs and engines: the fastest
// count is picked at the start. It never touches memory.

const CHAIN_COUNTS = [8, 10, 11, 12, 13]
const TURNS_PER_CALL = 20_000
const LANES = 4

/** Unsigned LEB128. @param {number} value */
function leb(value) {
  const bytes = []
  do {
    const low = value & 0x7f
    value >>>= 7
    bytes.push(value ? low | 0x80 : low)
  } while (value)
  return bytes
}

/** @param {number} id @param {number[]} content */
const section = (id, content) => [id, ...leb(content.length), ...content]

/** @param {number} value */
const f32Const = (value) => [0x43, ...new Uint8Array(new Float32Array([value]).buffer)]

/**
 * Bytes of a module that exports `f(turns, x, y)`: `chainCount` accumulators, `acc = acc * x + y` in each turn.
 * Written as bytes, so that the bench needs no compiler and no optimizer touches the loop.
 * @param {number} chainCount
 */
function limitModule(chainCount) {
  const I32 = 0x7f,
    F32 = 0x7d,
    V128 = 0x7b
  const SPLAT = [0xfd, 0x13],
    ADD = [0xfd, 0xe4, 0x01],
    MUL = [0xfd, 0xe6, 0x01],
    LANE_0 = [0xfd, 0x1f, 0x00]
  const get = (/** @type {number} */ i) => [0x20, i]
  const set = (/** @type {number} */ i) => [0x21, i]
  const x = 3,
    y = 4,
    first = 5 // locals behind the three parameters
  const chains = Array.from({ length: chainCount }, (_, i) => first + i)
  const body = [
    1,
    chainCount + 2,
    V128,
    ...get(1),
    ...SPLAT,
    ...set(x),
    ...get(2),
    ...SPLAT,
    ...set(y),
    ...chains.flatMap((c) => [...f32Const(c), ...SPLAT, ...set(c)]),
    0x03,
    0x40, // loop
    ...chains.flatMap((c) => [...get(c), ...get(x), ...MUL, ...get(y), ...ADD, ...set(c)]),
    ...get(0),
    0x41,
    1,
    0x6b,
    0x22,
    0, // turns -= 1
    0x0d,
    0,
    0x0b, // br_if loop
    ...chains.flatMap((c, i) => [...get(c), ...LANE_0, ...(i ? [0x92] : [])]),
    0x0b,
  ]
  return new Uint8Array([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [1, 0x60, 3, I32, F32, F32, 1, F32]),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ])
}

/** @returns {{ chainCount: number, flopsPerCall: number, run: () => void }} the fastest variant on this machine */
export function multiplyAddLimit() {
  const variants = CHAIN_COUNTS.map((chainCount) => {
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(limitModule(chainCount))).exports
    // x = 0.5 and y = 0.25: every chain tends to 0.5, far from overflow and from slow denormals
    const run = () => void (/** @type {(...args: number[]) => number} */ (f)(TURNS_PER_CALL, 0.5, 0.25))
    return { chainCount, flopsPerCall: TURNS_PER_CALL * chainCount * LANES * 2, run, best: 0 }
  })
  for (let round = 0; round < 60; round++) {
    for (const variant of variants) {
      const start = performance.now()
      variant.run()
      variant.best = Math.max(variant.best, variant.flopsPerCall / (performance.now() - start))
    }
  }
  return variants.reduce((a, b) => (b.best > a.best ? b : a))
}
