// From the bytes of a frozen file to a trainer.

import type { KernelModule } from '../binaries/kernel-module.ts'
import { isModule } from '../numerics/brands.ts'
import { type ByteSource, bytesOf } from '../numerics/bytes.ts'
import { check, reading } from '../numerics/errors.ts'
import { compileBytes } from '../runtime/modules.ts'
import { withDefaults } from './options.ts'
import { readFrozen } from './read.ts'
import { FrozenSession } from './session.ts'
import { Trainer } from './trainer.ts'

/** Options of `open`. */
export interface OpenOptions {
  /** The kernels that the net needs beside the core's, from `lanegrad/run/modules`. Default: none. */
  readonly modules?: readonly KernelModule[]
  /**
   * The core that `coreFor` made for this file, as bytes or compiled: code like the program itself. Default null: the whole core
   * of this build.
   */
  readonly core?: ByteSource | WebAssembly.Module | null
}

/**
 * A trainer of the net that `freeze` wrote into `bytes`. A frozen file is code: open files of makers you trust. Its
 * instructions reach the memory of its own trainer alone.
 * @throws LanegradError on a file that is damaged, of another version, or needs kernels that weren't given
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'sgd', loss: 'mse' })
 * const bytes = freeze(model, { train: [4], predict: [1, 4] }) // into a file; a page then needs lanegrad/run alone
 *
 * const trainer = open(bytes)
 * trainer.trainStep([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 2])
 * console.log(trainer.predict([[1, 1]]).shape) // [ 1, 1 ]
 * ```
 */
export function open(bytes: ByteSource, options: OpenOptions = {}): Trainer {
  const { modules, core } = withDefaults('open', options, {
    modules: [] as readonly KernelModule[],
    core: null as ByteSource | WebAssembly.Module | null,
  })
  const areModules = reading(
    'open: modules',
    () =>
      Array.isArray(modules) &&
      [...modules].every((module) => Array.isArray(module?.codes) && module.codes.every(Number.isInteger)),
  )
  check(areModules, 'open: modules', "a list of modules from 'lanegrad/run/modules'", modules)
  const code = core && (isModule(core) ? core : compileBytes(bytesOf('open: core', core)))
  const opened = readFrozen(bytes, modules)
  check(/^\d+$/.test(opened.metadata.seed ?? ''), 'seed', 'a non-negative integer', opened.metadata.seed)
  return Trainer.of(new FrozenSession(opened, code), opened)
}
