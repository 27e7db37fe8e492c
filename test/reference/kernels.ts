// The float64 version of every kernel of src/operations, by its name; one file a module.
import { randomReferences } from './kernels/random.ts'
import type { KernelReferences } from './kernels/reference.ts'

export const referenceKernels: KernelReferences = { ...randomReferences }
