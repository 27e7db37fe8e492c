// The exports of the core. Addresses are bytes in the linear memory; `arena` is the address of a header.
import {
  HEADER_BACKWARD_END, HEADER_FORWARD_END, HEADER_LOSS, HEADER_PROGRAM, HEADER_STEP_COUNT, HEADER_STEP_END, JOB_ARENA, JOB_ENTER,
  JOB_LEAST_WORK, JOB_SCRATCH, JOB_SPLIT, JOB_UNARY,
} from './abi'
import { enter } from './arena'
import { applyUnary } from './kernels/unary'
import { runWhole } from './parallel'
import { run as runProgram } from './program'

export { ABI_VERSION } from './abi'
export { findOutside, reserve } from './arena'
export { uniform } from './kernels/initialize'
export { kernelAt } from './program'

/** Once, before any kernel runs: JOB_SCRATCH, and all work is done by this thread. */
export function prepare(scratch: usize): void {
  store<f64>(JOB_LEAST_WORK, Infinity)
  store<u32>(JOB_SCRATCH, <u32>scratch)
  store<u32>(JOB_SPLIT, runWhole.index)
}

/** After `prepare`, where helpers or relaxed kernels will be: what these call in the core. */
export function share(): void {
  store<u32>(JOB_UNARY, applyUnary.index)
  store<u32>(JOB_ENTER, enter.index)
}

/** Runs the forward phase: outputs, losses and metrics. */
export function forward(arena: usize): void {
  enter(arena)
  runProgram(load<u32>(arena, HEADER_PROGRAM), load<u32>(arena, HEADER_FORWARD_END))
}

/** Runs the backward phase after `forward`: the gradients. */
export function backward(arena: usize): void {
  enter(arena)
  runProgram(load<u32>(arena, HEADER_FORWARD_END), load<u32>(arena, HEADER_BACKWARD_END))
}

/** One optimizer step: forward, backward, update. True if it stopped before the update (HEADER_LOSS). */
export function step(arena: usize): bool {
  enter(arena)
  store<f64>(arena, load<f64>(arena, HEADER_STEP_COUNT) + 1, HEADER_STEP_COUNT)
  const updateStart = load<u32>(arena, HEADER_BACKWARD_END)
  runProgram(load<u32>(arena, HEADER_PROGRAM), updateStart)
  const watched = load<u32>(arena, HEADER_LOSS)
  if (watched) {
    const loss = load<f32>(watched)
    if (loss - loss != 0) return true
  }
  runProgram(updateStart, load<u32>(arena, HEADER_STEP_END))
  return false
}

/** Runs the instructions from address `from` up to address `to`: single-stepping and profiling. */
export function run(arena: usize, from: usize, to: usize): void {
  enter(arena)
  runProgram(from, to)
}
