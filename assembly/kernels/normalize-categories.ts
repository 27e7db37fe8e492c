// Class ids to rows: how often each of `tokens` ids occurs among `perRow` ids, or whether it does. Ids outside
// 0 ... tokens - 1 count nowhere.
// Float64 reference: test/reference/kernels/normalize.ts
import {
  CATEGORIES_DST, CATEGORIES_IDS, CATEGORIES_IS_COUNT, CATEGORIES_PER_ROW, CATEGORIES_ROWS, CATEGORIES_TOKENS,
} from '../abi'
import { FLOAT_WORK, split } from '../parallel'

/** words: dst [rows, tokens] f32, ids [rows, perRow] i32, rows, perRow, tokens, isCount (0 or 1) */
export function encodeCategories(p: usize): void {
  const floats = load<i32>(p, CATEGORIES_PER_ROW) + load<i32>(p, CATEGORIES_TOKENS)
  split(encodePart.index, p, load<i32>(p, CATEGORIES_ROWS), 1, FLOAT_WORK * <f64>floats)
}

function encodePart(p: usize, start: i32, end: i32, _: i32): void {
  const perRow = load<i32>(p, CATEGORIES_PER_ROW), tokens = load<u32>(p, CATEGORIES_TOKENS)
  const isCount = load<i32>(p, CATEGORIES_IS_COUNT)
  let dst = <usize>load<u32>(p, CATEGORIES_DST) + (<usize>start * <usize>tokens << 2)
  let ids = <usize>load<u32>(p, CATEGORIES_IDS) + (<usize>(start * perRow) << 2)
  memory.fill(dst, 0, <usize>(end - start) * <usize>tokens << 2)
  for (let r = start; r < end; r++) {
    for (let i = 0; i < perRow; i++) {
      const id = load<u32>(ids)
      const at = dst + (<usize>id << 2)
      if (id < tokens) store<f32>(at, isCount ? load<f32>(at) + 1 : 1)
      ids += 4
    }
    dst += <usize>tokens << 2
  }
}
