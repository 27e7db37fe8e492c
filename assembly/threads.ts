// The threads' side of parallel.ts: the first thread gives out the parts of a job, helpers take them.
import {
  JOB_ARENA, JOB_COUNT_SHIFT, JOB_DONE, JOB_ENTER, JOB_HELPERS, JOB_IS_AWAITED, JOB_IS_RUNNING, JOB_ITEMS, JOB_KERNEL, JOB_LOST,
  JOB_OPERANDS, JOB_PARTS_SHIFT, JOB_PATIENCE, JOB_SLEEPERS, JOB_TEAM_SHIFT, JOB_TURN, JOB_UNIT,
} from './abi'
import { partStart, pays } from './parallel'

/**
 * Looks of a helper for a job before it goes to sleep: some 0.3 ms, so that it is awake all through a step. More would
 * gain nothing, and where others want the core, take it from them.
 */
const HELPER_LOOKS = 120000

/** Looks of the first thread for the end of the others' parts: some 100 us; then another thread may have the processor. */
const LOOKS = 40000

/** The longest sleep of the first thread, ns: then it looks whether it has waited in vain for JOB_PATIENCE of them. */
const SECOND: i64 = 1000000000

// V8 of Node 20: code of the first tier loses locals and the memory's address over memory.atomic.wait32 and notify. So
// each is a function of its own, called through the table lest it be inlined, that does nothing after.
function wakeHelpers(): void {
  atomic.notify(JOB_TURN, -1)
}

function wakeFirst(): void {
  atomic.notify(JOB_DONE, 1)
}

function sleepUntilDone(done: i32): void {
  atomic.wait<i32>(JOB_DONE, done, SECOND)
}

function runPart(part: i32, parts: i32): void {
  const kernel = load<u32>(JOB_KERNEL), p = <usize>load<u32>(JOB_OPERANDS)
  const count = load<i32>(JOB_ITEMS), unit = load<i32>(JOB_UNIT)
  const from = unit ? partStart(count, unit, part, parts) : part
  const end = unit ? partStart(count, unit, part + 1, parts) : parts
  if (from < end) call_indirect<void>(kernel, p, from, end, part)
}

/** The function that `split` calls where there are helpers; `work` is that of all items. */
export function splitWork(kernel: u32, p: usize, count: i32, unit: i32, work: f64): void {
  const helpers = atomic.load<i32>(JOB_HELPERS), parts = (helpers & 255) + 1
  if (parts == 1 || !pays(work) || load<u32>(JOB_IS_RUNNING)) {
    if (count) call_indirect<void>(kernel, p, 0, count, 0)
    return
  }
  store<u32>(JOB_IS_RUNNING, 1)
  store<u32>(JOB_KERNEL, kernel)
  store<u32>(JOB_OPERANDS, <u32>p)
  store<i32>(JOB_ITEMS, count)
  store<i32>(JOB_UNIT, unit)
  atomic.store<i32>(JOB_DONE, 0)
  const number = (load<i32>(JOB_TURN) >> JOB_COUNT_SHIFT) + 1, team = helpers >> JOB_PARTS_SHIFT
  atomic.store<i32>(JOB_TURN, number << JOB_COUNT_SHIFT | team << JOB_TEAM_SHIFT | parts << JOB_PARTS_SHIFT | 1)
  if (atomic.load<i32>(JOB_SLEEPERS)) call_indirect<void>(wakeHelpers.index)
  let others = parts
  for (let part = 0; part < parts; part = atomic.add<i32>(JOB_TURN, 1) & 255) {
    runPart(part, parts)
    others--
  }
  // asc's optimizer takes an atomic load out of a loop that holds no atomic store
  for (let looks = 0, done = 0, before = 0, vain = 0; (done = atomic.load<i32>(JOB_DONE)) < others; ) {
    if (++looks < LOOKS) continue
    if (done != before) vain = 0
    before = done
    if (vain++ > load<i32>(JOB_PATIENCE)) atomic.store<i32>(JOB_DONE, JOB_LOST)
    atomic.store<i32>(JOB_IS_AWAITED, 1)
    call_indirect<void>(sleepUntilDone.index, done)
    atomic.store<i32>(JOB_IS_AWAITED, 0)
  }
  store<u32>(JOB_IS_RUNNING, 0)
  if (atomic.load<i32>(JOB_DONE) >= JOB_LOST) unreachable() // the engine tells it
}

/** This helper's team; -1: it is in none yet. And whether it has been counted as asleep. */
let own = -1
let isAsleep = false

/**
 * Takes parts of jobs until none has come for a while. The caller must then sleep until JOB_TURN differs from the number
 * returned, and call again. Returns at once when another team than `team` is at work, since this helper has the modules of
 * `team` only: the caller must load the missing ones first.
 */
export function takeParts(team: i32): i32 {
  if (isAsleep) {
    atomic.sub<i32>(JOB_SLEEPERS, 1)
    isAsleep = false
  }
  while (own != team) {
    const helpers = atomic.load<i32>(JOB_HELPERS)
    if (helpers >> JOB_PARTS_SHIFT != team) return 0
    if (atomic.cmpxchg<i32>(JOB_HELPERS, helpers, helpers + 1) == helpers) own = team
  }
  let turn = 0
  for (let looks = 0; looks < HELPER_LOOKS; looks++) {
    turn = atomic.load<i32>(JOB_TURN)
    if ((turn >> JOB_TEAM_SHIFT & 31) != team) return turn
    const part = turn & 255, parts = turn >> JOB_PARTS_SHIFT & 255
    if (part >= parts || atomic.cmpxchg<i32>(JOB_TURN, turn, turn + 1) != turn) continue
    // it has a part: the job, and the arena, stay the same until that is counted as done
    call_indirect<void>(load<u32>(JOB_ENTER), load<u32>(JOB_ARENA))
    runPart(part, parts)
    atomic.add<i32>(JOB_DONE, 1)
    if (atomic.load<i32>(JOB_IS_AWAITED)) call_indirect<void>(wakeFirst.index)
    looks = 0
  }
  isAsleep = true
  atomic.add<i32>(JOB_SLEEPERS, 1)
  return turn
}
