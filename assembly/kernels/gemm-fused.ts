// The register tile of gemm.ts for fused multiply-adds, by the contract and for the reasons of gemm-tiles.ts.
// Float64 reference: test/reference/ops.ts
import { madd } from '../lanes'
import { put } from './gemm-tiles'

/** Tiles of 6 rows, for fused multiply-adds, which need no register for the product: 15 registers. */
export function fusedTile(
  c: usize, cs: usize, d: usize, adds: bool, rows: usize, offset: u32, panel: usize, depth: i32, count: i32,
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
    let a0: usize = load<u32>(rows) + offset, a1: usize = load<u32>(rows, 4) + offset
    let a2: usize = load<u32>(rows, 8) + offset, a3: usize = load<u32>(rows, 12) + offset
    let a4: usize = load<u32>(rows, 16) + offset, a5: usize = load<u32>(rows, 20) + offset
    while (true) {
      {
        const p = v128.load(b), q = v128.load(b, 16)
        const s0 = v128.load_splat<f32>(a0)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 1) break
        const s1 = v128.load_splat<f32>(a1)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        if (b == 2) break
        const s2 = v128.load_splat<f32>(a2)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 3) break
        const s3 = v128.load_splat<f32>(a3)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        if (b == 4) break
        const s4 = v128.load_splat<f32>(a4)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        if (b == 5) break
        const s5 = v128.load_splat<f32>(a5)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      if (b + 32 >= end) break
      {
        const p = v128.load(b, 32), q = v128.load(b, 48)
        const s0 = v128.load_splat<f32>(a0, 4)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 6) break
        const s1 = v128.load_splat<f32>(a1, 4)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        if (b == 7) break
        const s2 = v128.load_splat<f32>(a2, 4)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 8) break
        const s3 = v128.load_splat<f32>(a3, 4)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        if (b == 9) break
        const s4 = v128.load_splat<f32>(a4, 4)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        if (b == 10) break
        const s5 = v128.load_splat<f32>(a5, 4)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      if (b + 64 >= end) break
      {
        const p = v128.load(b, 64), q = v128.load(b, 80)
        const s0 = v128.load_splat<f32>(a0, 8)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 11) break
        const s1 = v128.load_splat<f32>(a1, 8)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        if (b == 12) break
        const s2 = v128.load_splat<f32>(a2, 8)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 13) break
        const s3 = v128.load_splat<f32>(a3, 8)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        if (b == 14) break
        const s4 = v128.load_splat<f32>(a4, 8)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        if (b == 15) break
        const s5 = v128.load_splat<f32>(a5, 8)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      if (b + 96 >= end) break
      {
        const p = v128.load(b, 96), q = v128.load(b, 112)
        const s0 = v128.load_splat<f32>(a0, 12)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 16) break
        const s1 = v128.load_splat<f32>(a1, 12)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        if (b == 17) break
        const s2 = v128.load_splat<f32>(a2, 12)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 18) break
        const s3 = v128.load_splat<f32>(a3, 12)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        if (b == 19) break
        const s4 = v128.load_splat<f32>(a4, 12)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        if (b == 20) break
        const s5 = v128.load_splat<f32>(a5, 12)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      if (b + 128 >= end) break
      {
        const p = v128.load(b, 128), q = v128.load(b, 144)
        const s0 = v128.load_splat<f32>(a0, 16)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 21) break
        const s1 = v128.load_splat<f32>(a1, 16)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        if (b == 22) break
        const s2 = v128.load_splat<f32>(a2, 16)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 23) break
        const s3 = v128.load_splat<f32>(a3, 16)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        if (b == 24) break
        const s4 = v128.load_splat<f32>(a4, 16)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        if (b == 25) break
        const s5 = v128.load_splat<f32>(a5, 16)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      if (b + 160 >= end) break
      {
        const p = v128.load(b, 160), q = v128.load(b, 176)
        const s0 = v128.load_splat<f32>(a0, 20)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 26) break
        const s1 = v128.load_splat<f32>(a1, 20)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        if (b == 27) break
        const s2 = v128.load_splat<f32>(a2, 20)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 28) break
        const s3 = v128.load_splat<f32>(a3, 20)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        if (b == 29) break
        const s4 = v128.load_splat<f32>(a4, 20)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        if (b == 30) break
        const s5 = v128.load_splat<f32>(a5, 20)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      if (b + 192 >= end) break
      {
        const p = v128.load(b, 192), q = v128.load(b, 208)
        const s0 = v128.load_splat<f32>(a0, 24)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 31) break
        const s1 = v128.load_splat<f32>(a1, 24)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        if (b == 32) break
        const s2 = v128.load_splat<f32>(a2, 24)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 33) break
        const s3 = v128.load_splat<f32>(a3, 24)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        if (b == 34) break
        const s4 = v128.load_splat<f32>(a4, 24)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        if (b == 35) break
        const s5 = v128.load_splat<f32>(a5, 24)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      if (b + 224 >= end) break
      {
        const p = v128.load(b, 224), q = v128.load(b, 240)
        const s0 = v128.load_splat<f32>(a0, 28)
        x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
        if (b == 36) break
        const s1 = v128.load_splat<f32>(a1, 28)
        x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
        if (b == 37) break
        const s2 = v128.load_splat<f32>(a2, 28)
        x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
        if (b == 38) break
        const s3 = v128.load_splat<f32>(a3, 28)
        x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
        if (b == 39) break
        const s4 = v128.load_splat<f32>(a4, 28)
        x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
        if (b == 40) break
        const s5 = v128.load_splat<f32>(a5, 28)
        x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
      }
      b += 256
      a0 += 32
      a1 += 32
      a2 += 32
      a3 += 32
      a4 += 32
      a5 += 32
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
