// Relaxed arithmetic as a value: the core's matmul once more, compiled with relaxed SIMD. Only a program that names it
// carries the binary.
import { OP_CORE_END, OP_MATMUL } from '../../assembly/abi.ts'
import binary from '../../build/relaxed.wasm'
import type { KernelModule } from '../binaries/kernel-module.ts'
import type { Binaries, Relaxed } from './engine.ts'

/** The core's last kernel again: its multiply-adds may round once instead of twice. */
export const relaxedModule: KernelModule = {
  name: 'relaxed',
  binary,
  codes: [OP_MATMUL, OP_CORE_END],
}

/**
 * Matrix products that may fuse multiplications and additions, where the runtime has relaxed SIMD: up to 1.4 times as fast,
 * and the last bits depend on the machine. Elsewhere plain SIMD computes; `model.variant` tells. A value
 * of `numerics` for `sequential`, `model` and `load`.
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { relaxed } from 'lanegrad/relaxed'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })], numerics: relaxed() })
 * console.log(/^(relaxed|simd \(no relaxed SIMD here\))$/.test(model.variant)) // true
 * ```
 */
export const relaxed = (): Relaxed =>
  Object.freeze({
    kind: 'relaxed',
    module(codeOf: Binaries['codeOf']) {
      try {
        codeOf(relaxedModule)
        return relaxedModule
      } catch {
        return null // instructions that this runtime doesn't know, or a binary that isn't here
      }
    },
  })
