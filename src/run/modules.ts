// Modules of kernels for `open`, by value: a program carries those it names. From `lanegrad/run/modules`.
import { attentionModule as attention } from '../binaries/attention.ts'
import { convolutionModule as convolution } from '../binaries/convolution.ts'
import { normalizeModule as normalize } from '../binaries/normalize.ts'
import { poolingModule as pooling } from '../binaries/pooling.ts'
import { randomModule as random } from '../binaries/random.ts'
import { recurrentModule as recurrent } from '../binaries/recurrent.ts'
import { trainingModule as training } from '../binaries/training.ts'
import type { KernelModule } from '../runtime/kernel-module.ts'

export { attention, convolution, normalize, pooling, random, recurrent, training }

/** All of them: `open(bytes, { modules: all })`. */
export const all: readonly KernelModule[] = [
  attention,
  convolution,
  normalize,
  pooling,
  random,
  recurrent,
  training,
]
