// Numbers as the 32-bit words of a program.

const cell = new DataView(new ArrayBuffer(8))

/** The bits of a float32 immediate. */
export function f32(x: number): number {
  cell.setFloat32(0, x)
  return cell.getInt32(0)
}

/** The bits of a float64 immediate: low word, high word. */
export function f64(x: number): [number, number] {
  cell.setFloat64(0, x)
  return [cell.getInt32(4), cell.getInt32(0)]
}

/** Operands by their byte offsets, one word or more from each on, as a list: such keys are in ascending order. */
export const listed = (words: { readonly [offset: number]: number | readonly number[] }): number[] =>
  Object.values(words).flat()
