// Class ids to rows: how often each of `tokens` ids occurs among `perRow` ids, or whether it does. Ids outside
// 0 ... tokens - 1 count nowhere.

/** words: dst [rows, tokens] f32, ids [rows, perRow] i32, rows, perRow, tokens, isCount (0 or 1) */
export function encodeCategories(p: usize): void {
  let dst = <usize>load<u32>(p), ids = <usize>load<u32>(p, 4)
  const rows = load<i32>(p, 8), perRow = load<i32>(p, 12), tokens = load<u32>(p, 16), isCount = load<i32>(p, 20)
  memory.fill(dst, 0, <usize>rows * <usize>tokens << 2)
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < perRow; i++) {
      const id = load<u32>(ids)
      const at = dst + (<usize>id << 2)
      if (id < tokens) store<f32>(at, isCount ? load<f32>(at) + 1 : 1)
      ids += 4
    }
    dst += <usize>tokens << 2
  }
}
