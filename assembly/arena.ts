// The arena: one linear memory that holds everything a model owns.
// The TypeScript planner decides where each buffer lies; this file only grows the memory and keeps the
// address of the header of the arena that is being run. Nothing here checks an offset.

/** Address of the header of the arena being run (HEADER_* of abi.ts are relative to it). */
export let header: usize = 0

export function enter(arena: usize): void {
  header = arena
}

/** Makes the memory at least `bytes` long. False when the engine refuses; the memory is then unchanged. */
export function reserve(bytes: usize): bool {
  const pages = i32((bytes + 0xffff) >> 16)
  const missing = pages - memory.size()
  return missing <= 0 || memory.grow(missing) >= 0
}

/** Index of the first NaN or number outside low ... high among `count` floats at `src`, or -1. */
export function findOutside(src: usize, count: i32, low: f32, high: f32): i32 {
  let i = 0
  for (; i + 4 <= count; i += 4) {
    const x = v128.load(src + (<usize>i << 2))
    const isInside = v128.and(f32x4.ge(x, f32x4.splat(low)), f32x4.le(x, f32x4.splat(high)))
    if (!i32x4.all_true(isInside)) break
  }
  for (; i < count; i++) {
    const x = load<f32>(src + (<usize>i << 2))
    if (!(x >= low && x <= high)) return i
  }
  return -1
}
