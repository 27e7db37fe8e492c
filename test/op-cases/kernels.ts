// The cases of the kernels of src/operations, one file a module.
import type { OpCase } from './case.ts'
import { randomCases } from './random.ts'

export const kernelCases: readonly OpCase<'kernel'>[] = [...randomCases]
