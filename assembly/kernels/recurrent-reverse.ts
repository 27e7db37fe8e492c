// dst[outer, T, inner] = src with the order of T reversed; its own gradient. dst and src don't overlap.

/** words: dst, src, outer, T, inner (floats) */
export function reverse(p: usize): void {
  const src = <usize>load<u32>(p, 4)
  const outer = load<i32>(p, 8), steps = load<i32>(p, 12), bytes = <usize>load<i32>(p, 16) << 2
  let dst = <usize>load<u32>(p)
  for (let o = 0; o < outer; o++) {
    for (let t = steps - 1; t >= 0; t--) {
      memory.copy(dst, src + <usize>(o * steps + t) * bytes, bytes)
      dst += bytes
    }
  }
}
