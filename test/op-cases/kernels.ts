// The cases of the kernels of src/operations, one file a module.
import { attentionModuleCases } from './attention.ts'
import type { OpCase } from './case.ts'
import { convolutionCases } from './convolution.ts'
import { normalizeCases } from './normalize.ts'
import { poolingCases } from './pooling.ts'
import { randomCases } from './random.ts'
import { recurrentCases } from './recurrent.ts'

export const kernelCases: readonly OpCase[] = [
  ...attentionModuleCases,
  ...convolutionCases,
  ...normalizeCases,
  ...randomCases,
  ...poolingCases,
  ...recurrentCases,
]
