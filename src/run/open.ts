// From the bytes of a frozen file to a trainer.
import type { ByteSource } from '../numerics/bytes.ts'
import { check, type Rule, readOptions } from '../numerics/errors.ts'
import type { KernelModule } from '../runtime/kernel-module.ts'
import { readFrozen } from './read.ts'
import { FrozenSession } from './session.ts'
import { Trainer } from './trainer.ts'

/** Options of `open`. */
export interface OpenOptions {
  /** The kernels that the net needs beside the core's, from `lanegrad/run/modules`. Default: none. */
  readonly modules?: readonly KernelModule[]
}

const MODULES: Rule<readonly KernelModule[]> = {
  expected: "a list of modules from 'lanegrad/run/modules'",
  holds: (value): value is readonly KernelModule[] =>
    Array.isArray(value) && value.every((module) => Array.isArray(module?.codes)),
}

/**
 * A trainer of the net that `freeze` wrote into `bytes`. A frozen file is code: open files of makers you trust. Whatever a file
 * holds stays in the memory of its own trainer.
 * @throws LanegradError on a file that is damaged, of another version, or needs kernels that weren't given
 */
export function open(bytes: ByteSource, options: OpenOptions = {}): Trainer {
  const { modules } = readOptions('open', options, { modules: [MODULES, []] })
  const opened = readFrozen(bytes, modules)
  check(/^\d+$/.test(opened.metadata.seed ?? ''), 'seed', 'a non-negative integer', opened.metadata.seed)
  return Trainer.of(new FrozenSession(opened), opened)
}
