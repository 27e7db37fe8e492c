// The register tiles of gemm.ts: 8 columns of C, of as many rows as registers hold.
// C tile = sum over k of A[i,k] B[k,j], a chain of `depth` additions from d on, a row for all of C's (zeros, a bias); `adds`:
// and then what is in C.
// A's rows lie anywhere: row i at rows[i] + offset, `depth` floats, of which four lie together, every `step` bytes: 16, or
// more if rows are packed side by side. Where there are several runs, run r begins at rows[i] + offsets[r]. The panel of B
// is packed [depth, 8]; the rows of c lie `cs` bytes apart.
//
// A tile on x64 is bounded by how many instructions a cycle takes in (6), not by the arithmetic (4): 16 of the 22 instructions
// of a step of k are arithmetic, and the loop adds its own. So several steps a turn, and one pointer for each row of A, which
// need one address less than interleaved rows: V8 adds the constant offset of a splat load by an instruction of its own.
// The tests between the steps serve any depth and keep the steps apart: without them V8's scheduler puts
// all loads in front and spills the registers (22 against 40 GFLOP/s).
// Float64 reference: test/reference/ops.ts
import { madd } from '../lanes'

/** A row of a tile: x and y, or `adds`, what is there plus x and y. */
@inline
function put(c: usize, adds: bool, x: v128, y: v128): void {
  if (adds) {
    x = f32x4.add(v128.load(c), x)
    y = f32x4.add(v128.load(c, 16), y)
  }
  v128.store(c, x)
  v128.store(c, y, 16)
}

/**
 * Tiles of 4 rows, one below the other, `count` rows in all: 8 accumulators, 2 vectors of B, a product and 4 broadcasts of A
 * fit x64's 15 registers. One run. A call for each tile would cost 4 % at depth 64.
 */
export function tile(
  c: usize, cs: usize, d: usize, adds: bool, rows: usize, offset: u32, step: usize, panel: usize, depth: i32, count: i32,
): void {
  const end = panel + (<usize>depth << 5)
  for (; count > 0; count -= 4) {
    let b = panel
    let x00 = v128.load(d), x01 = v128.load(d, 16)
    let x10 = x00, x11 = x01
    let x20 = x00, x21 = x01
    let x30 = x00, x31 = x01
    let a: usize = load<u32>(rows) + offset, a1: usize = load<u32>(rows, 4) + offset
    let a2: usize = load<u32>(rows, 8) + offset, a3: usize = load<u32>(rows, 12) + offset
    while (true) {
      {
        const p = v128.load(b), q = v128.load(b, 16)
        const s0 = v128.load_splat<f32>(a), s1 = v128.load_splat<f32>(a1)
        const s2 = v128.load_splat<f32>(a2), s3 = v128.load_splat<f32>(a3)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
      }
      if (b + 32 >= end) break
      {
        const p = v128.load(b, 32), q = v128.load(b, 48)
        const s0 = v128.load_splat<f32>(a, 4), s1 = v128.load_splat<f32>(a1, 4)
        const s2 = v128.load_splat<f32>(a2, 4), s3 = v128.load_splat<f32>(a3, 4)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
      }
      if (b + 64 >= end) break
      {
        const p = v128.load(b, 64), q = v128.load(b, 80)
        const s0 = v128.load_splat<f32>(a, 8), s1 = v128.load_splat<f32>(a1, 8)
        const s2 = v128.load_splat<f32>(a2, 8), s3 = v128.load_splat<f32>(a3, 8)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
      }
      if (b + 96 >= end) break
      {
        const p = v128.load(b, 96), q = v128.load(b, 112)
        const s0 = v128.load_splat<f32>(a, 12), s1 = v128.load_splat<f32>(a1, 12)
        const s2 = v128.load_splat<f32>(a2, 12), s3 = v128.load_splat<f32>(a3, 12)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
      }
      b += 128
      a += step
      a1 += step
      a2 += step
      a3 += step
      if (b >= end) break
    }
    put(c, adds, x00, x01); c += cs
    put(c, adds, x10, x11); c += cs
    put(c, adds, x20, x21); c += cs
    put(c, adds, x30, x31); c += cs
    rows += 16
  }
}

/**
 * A tile that packs: B's rows where they lie, from `src` on, `ss` bytes apart, go to the panel on their way. Waiting for them
 * is hidden behind the arithmetic, which a copy by itself can't. A's rows are no packed ones.
 */
export function packingTile(
  c: usize, cs: usize, d: usize, adds: bool, rows: usize, offset: u32, src: usize, ss: usize, b: usize, depth: i32,
): void {
  let x00 = v128.load(d), x01 = v128.load(d, 16)
  let x10 = x00, x11 = x01
  let x20 = x00, x21 = x01
  let x30 = x00, x31 = x01
  let a: usize = load<u32>(rows) + offset, a1: usize = load<u32>(rows, 4) + offset
  let a2: usize = load<u32>(rows, 8) + offset, a3: usize = load<u32>(rows, 12) + offset
  for (const end = b + (<usize>depth << 5); b < end; b += 32) {
    const p = v128.load(src), q = v128.load(src, 16)
    const s0 = v128.load_splat<f32>(a), s1 = v128.load_splat<f32>(a1)
    const s2 = v128.load_splat<f32>(a2), s3 = v128.load_splat<f32>(a3)
    v128.store(b, p)
    v128.store(b, q, 16)
    x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
    x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
    x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
    x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
    src += ss
    a += 4
    a1 += 4
    a2 += 4
    a3 += 4
  }
  put(c, adds, x00, x01); c += cs
  put(c, adds, x10, x11); c += cs
  put(c, adds, x20, x21); c += cs
  put(c, adds, x30, x31)
}

/** The same for several short runs: without leaving the registers, one step a turn. */
export function tileOfRuns(
  c: usize, cs: usize, d: usize, adds: bool, rows: usize, offsets: usize, runs: i32, panel: usize, depth: i32, count: i32,
): void {
  const bytes = <usize>depth << 5, all = panel + bytes * runs
  for (; count > 0; count -= 4) {
    let x00 = v128.load(d), x01 = v128.load(d, 16)
    let x10 = x00, x11 = x01
    let x20 = x00, x21 = x01
    let x30 = x00, x31 = x01
    for (let b = panel, run = offsets; b < all; run += 4) {
      const o = load<u32>(run)
      let a: usize = load<u32>(rows) + o, a1: usize = load<u32>(rows, 4) + o
      let a2: usize = load<u32>(rows, 8) + o, a3: usize = load<u32>(rows, 12) + o
      for (const end = b + bytes; b < end; b += 32) {
        const p = v128.load(b), q = v128.load(b, 16)
        const s0 = v128.load_splat<f32>(a), s1 = v128.load_splat<f32>(a1)
        const s2 = v128.load_splat<f32>(a2), s3 = v128.load_splat<f32>(a3)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        a += 4
        a1 += 4
        a2 += 4
        a3 += 4
      }
    }
    put(c, adds, x00, x01); c += cs
    put(c, adds, x10, x11); c += cs
    put(c, adds, x20, x21); c += cs
    put(c, adds, x30, x31); c += cs
    rows += 16
  }
}

/** The first 4 columns of a tile of 4 rows, for a last panel that has no more. */
export function narrowTile(
  c: usize, cs: usize, d: usize, adds: bool, rows: usize, offset: u32, step: usize, b: usize, depth: i32,
): void {
  let x0 = v128.load(d), x1 = x0, x2 = x0, x3 = x0
  let a: usize = load<u32>(rows) + offset, a1: usize = load<u32>(rows, 4) + offset
  let a2: usize = load<u32>(rows, 8) + offset, a3: usize = load<u32>(rows, 12) + offset
  const end = b + (<usize>depth << 5)
  while (true) {
    {
      const p = v128.load(b)
      x0 = madd(v128.load_splat<f32>(a), p, x0)
      x1 = madd(v128.load_splat<f32>(a1), p, x1)
      x2 = madd(v128.load_splat<f32>(a2), p, x2)
      x3 = madd(v128.load_splat<f32>(a3), p, x3)
    }
    if (b + 32 >= end) break
    {
      const p = v128.load(b, 32)
      x0 = madd(v128.load_splat<f32>(a, 4), p, x0)
      x1 = madd(v128.load_splat<f32>(a1, 4), p, x1)
      x2 = madd(v128.load_splat<f32>(a2, 4), p, x2)
      x3 = madd(v128.load_splat<f32>(a3, 4), p, x3)
    }
    if (b + 64 >= end) break
    {
      const p = v128.load(b, 64)
      x0 = madd(v128.load_splat<f32>(a, 8), p, x0)
      x1 = madd(v128.load_splat<f32>(a1, 8), p, x1)
      x2 = madd(v128.load_splat<f32>(a2, 8), p, x2)
      x3 = madd(v128.load_splat<f32>(a3, 8), p, x3)
    }
    if (b + 96 >= end) break
    {
      const p = v128.load(b, 96)
      x0 = madd(v128.load_splat<f32>(a, 12), p, x0)
      x1 = madd(v128.load_splat<f32>(a1, 12), p, x1)
      x2 = madd(v128.load_splat<f32>(a2, 12), p, x2)
      x3 = madd(v128.load_splat<f32>(a3, 12), p, x3)
    }
    b += 128
    a += step
    a1 += step
    a2 += step
    a3 += step
    if (b >= end) break
  }
  const c1 = c + cs, c2 = c1 + cs, c3 = c2 + cs
  if (adds) {
    x0 = f32x4.add(v128.load(c), x0)
    x1 = f32x4.add(v128.load(c1), x1)
    x2 = f32x4.add(v128.load(c2), x2)
    x3 = f32x4.add(v128.load(c3), x3)
  }
  v128.store(c, x0)
  v128.store(c1, x1)
  v128.store(c2, x2)
  v128.store(c3, x3)
}

/** Tiles of 6 rows, for fused multiply-adds, which need no register for the product. */
export function tallTile(
  c: usize, cs: usize, d: usize, adds: bool, rows: usize, offset: u32, step: usize, panel: usize, depth: i32, count: i32,
): void {
  const end = panel + (<usize>depth << 5)
  for (; count > 0; count -= 6) {
    let b = panel
    let x00 = v128.load(d), x01 = v128.load(d, 16)
    let x10 = x00, x11 = x01
    let x20 = x00, x21 = x01
    let x30 = x00, x31 = x01
    let x40 = x00, x41 = x01
    let x50 = x00, x51 = x01
    let a: usize = load<u32>(rows) + offset, a1: usize = load<u32>(rows, 4) + offset
    let a2: usize = load<u32>(rows, 8) + offset, a3: usize = load<u32>(rows, 12) + offset
    let a4: usize = load<u32>(rows, 16) + offset, a5: usize = load<u32>(rows, 20) + offset
    while (true) {
      {
        const p = v128.load(b), q = v128.load(b, 16)
        const s0 = v128.load_splat<f32>(a), s1 = v128.load_splat<f32>(a1), s2 = v128.load_splat<f32>(a2)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        const s3 = v128.load_splat<f32>(a3), s4 = v128.load_splat<f32>(a4), s5 = v128.load_splat<f32>(a5)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      if (b + 32 >= end) break
      {
        const p = v128.load(b, 32), q = v128.load(b, 48)
        const s0 = v128.load_splat<f32>(a, 4), s1 = v128.load_splat<f32>(a1, 4), s2 = v128.load_splat<f32>(a2, 4)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        const s3 = v128.load_splat<f32>(a3, 4), s4 = v128.load_splat<f32>(a4, 4), s5 = v128.load_splat<f32>(a5, 4)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      if (b + 64 >= end) break
      {
        const p = v128.load(b, 64), q = v128.load(b, 80)
        const s0 = v128.load_splat<f32>(a, 8), s1 = v128.load_splat<f32>(a1, 8), s2 = v128.load_splat<f32>(a2, 8)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        const s3 = v128.load_splat<f32>(a3, 8), s4 = v128.load_splat<f32>(a4, 8), s5 = v128.load_splat<f32>(a5, 8)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      if (b + 96 >= end) break
      {
        const p = v128.load(b, 96), q = v128.load(b, 112)
        const s0 = v128.load_splat<f32>(a, 12), s1 = v128.load_splat<f32>(a1, 12), s2 = v128.load_splat<f32>(a2, 12)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        const s3 = v128.load_splat<f32>(a3, 12), s4 = v128.load_splat<f32>(a4, 12), s5 = v128.load_splat<f32>(a5, 12)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      b += 128
      a += step
      a1 += step
      a2 += step
      a3 += step
      a4 += step
      a5 += step
      if (b >= end) break
    }
    put(c, adds, x00, x01); c += cs
    put(c, adds, x10, x11); c += cs
    put(c, adds, x20, x21); c += cs
    put(c, adds, x30, x31); c += cs
    put(c, adds, x40, x41); c += cs
    put(c, adds, x50, x51); c += cs
    rows += 24
  }
}
