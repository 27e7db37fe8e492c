// The multiply-add limit of this machine and engine: f32x4 mul and add on values in registers. Enters: nothing. Leaves: a callable
// that does a known number of flops. A WebAssembly SIMD kernel without fused multiply-add can't exceed it, so the share of
// it tells how much of a product's time is not arithmetic; `beyond` says when one does all the same.
// Engines and CPUs differ in what keeps the arithmetic busiest: the fastest form is picked at the start.

/**
 * `chains`: accumulators `acc = acc * x + y`, each of which waits for itself. `loads` and `factors`: the products of each loaded
 * vector with each factor are added to accumulators of their own, so that products wait for no sum.
 */
const FORMS = [
  ...[8, 10, 11, 12, 13].map((chains) => ({ chains, loads: 0, factors: 0 })),
  { chains: 8, loads: 4, factors: 2 },
  { chains: 10, loads: 5, factors: 2 },
  { chains: 12, loads: 4, factors: 3 },
]
const TURNS_PER_CALL = 20_000
const LANES = 4
/** How often the body of a form with loads stands in the loop: without its own instructions in the way. */
const UNROLLED = 2
/** Timings of one thing vary by less. */
const TOLERANCE = 1.02

/** What to say of a share of the limit above 1, if it is. @param {string} what @param {number} share */
export const beyond = (what, share) =>
  share > TOLERANCE
    ? [`${what}: ${Math.round(100 * share)} % of the limit: the limit (limit.mjs) is none on this machine`]
    : []

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
 * Bytes of a module that exports `f(turns, x, y)`, a loop over one of the forms. Written as bytes, so that the bench needs
 * no compiler and no optimizer touches the loop.
 * @param {typeof FORMS[number]} form
 */
function limitModule({ chains: chainCount, loads, factors }) {
  const I32 = 0x7f,
    F32 = 0x7d,
    V128 = 0x7b
  const SPLAT = [0xfd, 0x13],
    ADD = [0xfd, 0xe4, 0x01],
    MUL = [0xfd, 0xe6, 0x01],
    LANE_0 = [0xfd, 0x1f, 0x00]
  const get = (/** @type {number} */ i) => [0x20, i]
  const set = (/** @type {number} */ i) => [0x21, i]
  const range = (/** @type {number} */ count, /** @type {number} */ from) =>
    Array.from({ length: count }, (_, i) => from + i)
  // locals: x and y as vectors or the factors, the accumulators, a vector that is loaded
  const constants = range(Math.max(2, factors), 3)
  const chains = range(chainCount, 3 + constants.length)
  const loaded = 3 + constants.length + chainCount
  // from an address that changes: engines take loads of one place, and products of them, out of the loop
  const load = (/** @type {number} */ i) => [
    ...get(0),
    0x41,
    63,
    0x71,
    0x41,
    4,
    0x74,
    0xfd,
    0x00,
    0x04,
    ...leb(16 * i),
  ]
  const turn = loads
    ? range(loads * UNROLLED, 0).flatMap((i) => [
        ...load(i),
        ...set(loaded),
        ...constants.flatMap((c, j) => {
          const chain = chains[(i % loads) * factors + j]
          return [...get(chain), ...get(loaded), ...get(c), ...MUL, ...ADD, ...set(chain)]
        }),
      ])
    : chains.flatMap((c) => [...get(c), ...get(3), ...MUL, ...get(4), ...ADD, ...set(c)])
  const body = [
    1,
    constants.length + chainCount + 1,
    V128,
    ...constants.flatMap((c, i) => [...(i < 2 ? get(1 + i) : f32Const(i)), ...SPLAT, ...set(c)]),
    ...chains.flatMap((c) => [...f32Const(c), ...SPLAT, ...set(c)]),
    0x03,
    0x40, // loop
    ...turn,
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
    ...section(5, [1, 0, 1]), // a memory of one page
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ])
}

/** @returns {{ flopsPerCall: number, run: () => void }} the fastest form on this machine */
export function multiplyAddLimit() {
  const variants = FORMS.map((form) => {
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(limitModule(form))).exports
    // x = 0.5 and y = 0.25: every chain tends to 0.5, far from overflow and from slow denormals
    const run = () => void (/** @type {(...args: number[]) => number} */ (f)(TURNS_PER_CALL, 0.5, 0.25))
    const flopsPerTurn = form.chains * LANES * 2 * (form.loads ? UNROLLED : 1)
    return { flopsPerCall: TURNS_PER_CALL * flopsPerTurn, run, best: 0 }
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
