// The float64 version of every kernel of src/operations and of those with several outputs, by its name; one file a module.
import { attentionReferences } from './kernels/attention.ts'
import { convolutionReferences } from './kernels/convolution.ts'
import { normalizeReferences } from './kernels/normalize.ts'
import { poolingReferences } from './kernels/pooling.ts'
import { randomReferences } from './kernels/random.ts'
import { recurrentReferences } from './kernels/recurrent.ts'
import type { KernelReferences } from './kernels/reference.ts'
import { splitReferences } from './kernels/split.ts'

export const referenceKernels: KernelReferences = {
  ...attentionReferences,
  ...convolutionReferences,
  ...normalizeReferences,
  ...randomReferences,
  ...poolingReferences,
  ...recurrentReferences,
  ...splitReferences,
}
