// Work of one kernel split over threads. Each thread has an instance of its own of every module, over one shared memory:
// the first thread walks the program; the others, its helpers, wait for a job: a function and its operands,
// of which thread i of n runs part i. A kernel that can be split calls `isShared` with its work and either runs all of
// it itself (part 0 of 1) or gives it to `fork`, which returns when every part is done.
// Parts write disjoint outputs, and no sum is split: the bits are the same for any number of threads.
import {
  JOB_DONE, JOB_IS_AWAITED, JOB_IS_RUNNING, JOB_KERNEL, JOB_OPERANDS, JOB_READY, JOB_SLEEPERS, JOB_TURN, JOB_TURN_STEP,
} from './abi'

/** Looks at a word that another thread is to change before a thread goes to sleep: some 50 us, a few small kernels. */
const LOOKS = 20000

/** Work of a kernel that passes over floats, for each, in multiply-adds. */
export const FLOAT_WORK: f64 = 16

let isFirst = false
let maySleep = false
let leastWork: f64 = 0

/**
 * Makes this instance the first thread's, which has helpers. `canSleep` false: it only looks, never waits. `least`: the
 * work from which a job pays, in multiply-adds.
 */
export function share(canSleep: bool, least: f64): void {
  isFirst = true
  maySleep = canSleep
  leastWork = least
}

/** Whether a kernel of so much work is to be split. */
@inline
export function isShared(work: f64): bool {
  return isFirst && work >= leastWork && hasHelpers()
}

function hasHelpers(): bool {
  return load<u32>(JOB_IS_RUNNING) == 0 && atomic.load<i32>(JOB_READY) > 0
}

/** First of `count` items of `part`, a multiple of `unit`; that of part `parts` is `count`. */
@inline
export function partStart(count: i32, unit: i32, part: i32, parts: i32): i32 {
  return min(<i32>(<i64>((count + unit - 1) / unit) * part / parts) * unit, count)
}

// V8 of Node 20: code of the first tier loses locals and the memory's address over memory.atomic.wait32 and notify. So
// each is a function of its own, called through the table lest it be inlined, that does nothing after.
function wakeHelpers(): void {
  atomic.notify(JOB_TURN, -1)
}

function wakeFirst(): void {
  atomic.notify(JOB_DONE, 1)
}

function sleepUntilDone(done: i32): void {
  atomic.wait<i32>(JOB_DONE, done, -1)
}

/** Runs kernel(p, part, parts) for every part, on as many threads. `kernel`: function table index. */
export function fork(kernel: u32, p: usize): void {
  const parts = atomic.load<i32>(JOB_READY) + 1
  store<u32>(JOB_IS_RUNNING, 1)
  store<u32>(JOB_KERNEL, kernel)
  store<u32>(JOB_OPERANDS, <u32>p)
  atomic.store<i32>(JOB_DONE, 0)
  atomic.store<i32>(JOB_TURN, (atomic.load<i32>(JOB_TURN) & -JOB_TURN_STEP) + JOB_TURN_STEP + parts)
  if (atomic.load<i32>(JOB_SLEEPERS)) call_indirect<void>(wakeHelpers.index)
  call_indirect<void>(kernel, p, 0, parts)
  // asc's optimizer takes an atomic load out of a loop that holds no atomic store
  for (let looks = 0, done = 0; (done = atomic.load<i32>(JOB_DONE)) < parts - 1; ) {
    if (++looks < LOOKS || !maySleep) continue
    atomic.store<i32>(JOB_IS_AWAITED, 1)
    call_indirect<void>(sleepUntilDone.index, done)
    atomic.store<i32>(JOB_IS_AWAITED, 0)
  }
  store<u32>(JOB_IS_RUNNING, 0)
}

/** This helper's number, and the last job it has seen. */
let part = 0
let turn = 0

/**
 * Takes part in jobs until none has come for a while; the caller is then to sleep until JOB_TURN is no longer what is
 * returned, and call again. The first call counts the helper in, from the next job on.
 */
export function takeParts(): i32 {
  if (part) atomic.sub<i32>(JOB_SLEEPERS, 1)
  else {
    turn = atomic.load<i32>(JOB_TURN) // before it is counted: the first job that counts it is a later one
    part = atomic.add<i32>(JOB_READY, 1) + 1
  }
  for (let looks = 0; looks < LOOKS; looks++) {
    const now = atomic.load<i32>(JOB_TURN)
    if (now == turn) continue
    turn = now
    looks = 0
    const parts = now & (JOB_TURN_STEP - 1)
    if (part >= parts) continue
    call_indirect<void>(load<u32>(JOB_KERNEL), load<u32>(JOB_OPERANDS), part, parts)
    atomic.add<i32>(JOB_DONE, 1)
    if (atomic.load<i32>(JOB_IS_AWAITED)) call_indirect<void>(wakeFirst.index)
  }
  atomic.add<i32>(JOB_SLEEPERS, 1)
  return turn
}
