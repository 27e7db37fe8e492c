// The register tiles of gemm.ts: 8 columns of C, of as many rows as registers hold.
// C tile = sum over k of A[i,k] B[k,j], a chain of `depth` additions from d on, a row for all of C's (zeros, a bias); `adds`:
// and then what is in C.
// A's rows lie anywhere: row i at rows[i] + offset, `depth` floats. Where there are several runs, run r begins at
// rows[i] + offsets[r]. The panel of B is packed [depth, 8]; the rows of c lie `cs` bytes apart.
//
// A tile on x64 is bounded by how many instructions a cycle takes in (6), not by the arithmetic (4): 20 of the 27 instructions
// of a step of k are arithmetic, and the loop adds its own. So several steps a turn, and one pointer for each row of A, which
// need one address less than interleaved rows: V8 adds the constant offset of a splat load by an instruction of its own.
// The tests between the steps serve any depth. Those between the rows are never true, since no panel has such an address: they
// keep each load near its use. Without them the schedulers of some V8 put all loads in front: 22 against 40 GFLOP/s where
// registers spill, 38 against 45 on a Zen 3 where none do, 31 against 46 for fused ones. Each test has a number of its own, since
// equal ones would be merged. Exact tiles have two a step: four cost 1 % on a Sapphire Rapids.
// Float64 reference: test/reference/ops.ts
import { madd } from '../lanes'

/** A row of a tile: x and y, or `adds`, what is there plus x and y. */
@inline
export function put(c: usize, adds: bool, x: v128, y: v128): void {
  if (adds) {
    x = f32x4.add(v128.load(c), x)
    y = f32x4.add(v128.load(c, 16), y)
  }
  v128.store(c, x)
  v128.store(c, y, 16)
}

/**
 * Tiles of 5 rows, one below the other, `count` rows in all: 10 accumulators, 2 vectors of B, a broadcast of A and a product are
 * 14 of x64's 15 registers. One run. A call for each tile would cost 4 % at depth 64.
 */
export function tallTile(
  c: usize, cs: usize, d: usize, adds: bool, rows: usize, offset: u32, panel: usize, depth: i32, count: i32,
): void {
  const end = panel + (<usize>depth << 5)
  for (; count > 0; count -= 5) {
    let b = panel
    let x00 = v128.load(d), x01 = v128.load(d, 16)
    let x10 = x00, x11 = x01
    let x20 = x00, x21 = x01
    let x30 = x00, x31 = x01
    let x40 = x00, x41 = x01
    let a0: usize = load<u32>(rows) + offset, a1: usize = load<u32>(rows, 4) + offset
    let a2: usize = load<u32>(rows, 8) + offset, a3: usize = load<u32>(rows, 12) + offset
    let a4: usize = load<u32>(rows, 16) + offset
    while (true) {
      {
        const p = v128.load(b), q = v128.load(b, 16)
        const s0 = v128.load_splat<f32>(a0)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 1) break
        const s1 = v128.load_splat<f32>(a1)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        const s2 = v128.load_splat<f32>(a2)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 2) break
        const s3 = v128.load_splat<f32>(a3)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        const s4 = v128.load_splat<f32>(a4)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
      }
      if (b + 32 >= end) break
      {
        const p = v128.load(b, 32), q = v128.load(b, 48)
        const s0 = v128.load_splat<f32>(a0, 4)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 3) break
        const s1 = v128.load_splat<f32>(a1, 4)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        const s2 = v128.load_splat<f32>(a2, 4)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 4) break
        const s3 = v128.load_splat<f32>(a3, 4)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        const s4 = v128.load_splat<f32>(a4, 4)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
      }
      if (b + 64 >= end) break
      {
        const p = v128.load(b, 64), q = v128.load(b, 80)
        const s0 = v128.load_splat<f32>(a0, 8)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 5) break
        const s1 = v128.load_splat<f32>(a1, 8)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        const s2 = v128.load_splat<f32>(a2, 8)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 6) break
        const s3 = v128.load_splat<f32>(a3, 8)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        const s4 = v128.load_splat<f32>(a4, 8)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
      }
      if (b + 96 >= end) break
      {
        const p = v128.load(b, 96), q = v128.load(b, 112)
        const s0 = v128.load_splat<f32>(a0, 12)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 7) break
        const s1 = v128.load_splat<f32>(a1, 12)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        const s2 = v128.load_splat<f32>(a2, 12)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 8) break
        const s3 = v128.load_splat<f32>(a3, 12)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        const s4 = v128.load_splat<f32>(a4, 12)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
      }
      b += 128
      a0 += 16
      a1 += 16
      a2 += 16
      a3 += 16
      a4 += 16
      if (b >= end) break
    }
    put(c, adds, x00, x01); c += cs
    put(c, adds, x10, x11); c += cs
    put(c, adds, x20, x21); c += cs
    put(c, adds, x30, x31); c += cs
    put(c, adds, x40, x41); c += cs
    rows += 20
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

/**
 * Tiles of 4 rows, one below the other, `count` rows in all: for what the tall ones leave, and for several short runs, without
 * leaving the registers. One step a turn.
 */
export function tile(
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
  c: usize, cs: usize, d: usize, adds: bool, rows: usize, offset: u32, b: usize, depth: i32,
): void {
  let x0 = v128.load(d), x1 = x0, x2 = x0, x3 = x0
  let a: usize = load<u32>(rows) + offset, a1: usize = load<u32>(rows, 4) + offset
  let a2: usize = load<u32>(rows, 8) + offset, a3: usize = load<u32>(rows, 12) + offset
  for (const end = b + (<usize>depth << 5); b < end; b += 32) {
    const p = v128.load(b)
    x0 = madd(v128.load_splat<f32>(a), p, x0)
    x1 = madd(v128.load_splat<f32>(a1), p, x1)
    x2 = madd(v128.load_splat<f32>(a2), p, x2)
    x3 = madd(v128.load_splat<f32>(a3), p, x3)
    a += 4
    a1 += 4
    a2 += 4
    a3 += 4
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
