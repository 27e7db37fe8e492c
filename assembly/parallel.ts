// Work of one kernel split over threads. Each thread has an instance of its own of every module, over one shared memory:
// the first thread walks the program; the others, its helpers, look for jobs: a function and its operands, to be run once
// for each part. A kernel that can be split gives its work to `split`, which returns when every part is done.
// Parts write disjoint outputs, and no sum is split: the bits are the same for any number of threads. Whichever thread is
// free takes the next part: a helper that sleeps, or still lacks the kernel's module, costs nothing, because others do its parts.
// How it is split is in threads.ts, which is a module of its own: without it one thread does all.
import { JOB_HELPERS, JOB_LEAST_WORK, JOB_PART_SCRATCH, JOB_PART_SCRATCH_BYTES, JOB_SPLIT } from './abi'

/** Work of a kernel that passes over floats, for each, in multiply-adds. */
export const FLOAT_WORK: f64 = 16

/** Threads that jobs may be split over. */
@inline
export function threadCount(): i32 {
  return (atomic.load<i32>(JOB_HELPERS) & 255) + 1
}

/**
 * Runs kernel(p, from, end, part) for ranges of `count` items that are multiples of `unit` items, on as many threads as
 * there are, or for all of them at once, where their work is too little, or within a part. `kernel`: function table index.
 * `work`: of an item, in multiply-adds; below 0: don't split. One item of unit 0: the kernel cuts it for itself, by
 * kernel(p, part, parts, part). No kernel is called for an empty range.
 */
@inline
export function split(kernel: u32, p: usize, count: i32, unit: i32, work: f64): void {
  call_indirect<void>(load<u32>(JOB_SPLIT), kernel, p, count, unit, work * <f64>count)
}

/** Whether so much work may pay a job. Kernels that every net has ask first, and if not, call their part directly. */
@inline
export function pays(work: f64): bool {
  return work >= load<f64>(JOB_LEAST_WORK)
}

/** First of `count` items of `part`, a multiple of `unit`; that of part `parts` is `count`. */
export function partStart(count: i32, unit: i32, part: i32, parts: i32): i32 {
  if (!part || part == parts) return part ? count : 0 // without the divisions where nothing is split
  if (unit > 1) return unit * partStart((count + unit - 1) / unit, 1, part, parts) // asc doesn't inline what calls itself
  return <i32>(<i64>count * part / parts)
}

/** Scratch of a part: what the plan gave the kernel, or where there are threads, as much behind the plan (SCRATCH_GAP). */
export function scratchOf(planned: usize, part: i32): usize {
  const first = <usize>load<u32>(JOB_PART_SCRATCH)
  return first ? first + <usize>load<u32>(JOB_PART_SCRATCH_BYTES) * part : planned
}

/** The function that `split` calls where one thread computes. */
export function runWhole(kernel: u32, p: usize, count: i32, unit: i32, work: f64): void {
  if (count) call_indirect<void>(kernel, p, 0, count, 0)
}
