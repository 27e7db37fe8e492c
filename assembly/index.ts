// The exports of the core. Addresses are bytes in the linear memory; `arena` is the address of a header.
import { HEADER_BACKWARD_END, HEADER_FORWARD_END, HEADER_PROGRAM, HEADER_STEP_COUNT, HEADER_STEP_END } from './abi'
import { enter } from './arena'
import { run as runProgram } from './program'

export { ABI_VERSION } from './abi'
export { arenaBase, findNaN, reserve } from './arena'
export { kernelAt } from './program'

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

/** One optimizer step: forward, backward, update. */
export function step(arena: usize): void {
  enter(arena)
  store<u32>(arena, load<u32>(arena, HEADER_STEP_COUNT) + 1, HEADER_STEP_COUNT)
  runProgram(load<u32>(arena, HEADER_PROGRAM), load<u32>(arena, HEADER_STEP_END))
}

/** Runs the instructions from address `from` up to address `to`: single-stepping and profiling. */
export function run(arena: usize, from: usize, to: usize): void {
  enter(arena)
  runProgram(from, to)
}
