// The module of threads: what `split` calls where there are helpers, and what helpers run.
import { splitWork, takeParts } from '../threads'

export { ABI_VERSION } from '../abi'

const kernels: StaticArray<(kernel: u32, p: usize, count: i32, unit: i32, work: f64) => void> = [splitWork]

/** Function table index of function `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}

/** The work of a helper's instance, over and over: see takeParts. */
export function help(team: i32): i32 {
  return takeParts(team)
}
