// The core, and the modules that any model can ask for by the name of an activation, a loss or a metric. They
// stand in one file since each holds its binary in a bundle, and gzip sees how alike these are only where they are near. Order:
// that of asconfig.json.
import { FN_END, FN_RELU6, OP_CORE_END, OP_EXTRAS_END, OP_UNARY, RARE_LOSS } from '../../assembly/abi.ts'
import coreBinary from '../../build/core.wasm'
import extrasBinary from '../../build/extras.wasm'
import functionsBinary from '../../build/functions.wasm'
import type { KernelModule } from './kernel-module.ts'

/** The loops of rare activations. Their codes are the codes of the functions; no instruction has them. */
export const functionsModule: KernelModule = {
  name: 'functions',
  binary: functionsBinary,
  codes: [FN_RELU6, FN_END],
}

/**
 * The kernels that plain nets do without: rare losses, penalties, metrics, clipping, integers as floats,
 * functions of two arrays, copies, the gradient of softmax by itself, rmsprop. Kernels of the core call its first two.
 */
export const extrasModule: KernelModule = {
  name: 'extras',
  binary: extrasBinary,
  codes: [RARE_LOSS, OP_EXTRAS_END],
}

/** The kernels that nearly every program has. */
export const coreModule: KernelModule = { name: 'core', binary: coreBinary, codes: [OP_UNARY, OP_CORE_END] }
