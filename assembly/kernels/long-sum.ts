// The sum of many sums, in f32, as if it were one of a higher precision: what rounding cuts off an addition goes into the
// next one (Kahan 1965). Its relative error is 2^-23, however many there are of one sign.
// Float64 reference: test/kernels/sums.test.ts
import { storeTail } from '../lanes'

/** dst += src + cut, and what rounding cuts off that goes to `cut`, which starts as 0; `bytes`: of each, a multiple of 4. */
export function fold(dst: usize, src: usize, cut: usize, bytes: usize): void {
  for (const end = dst + bytes; dst < end; dst += 16) {
    const left = <i32>(end - dst) >> 2
    const x = v128.load(dst), y = f32x4.add(v128.load(src), v128.load(cut)), sum = f32x4.add(x, y)
    storeTail(cut, f32x4.sub(y, f32x4.sub(sum, x)), left)
    storeTail(dst, sum, left)
    src += 16
    cut += 16
  }
}
