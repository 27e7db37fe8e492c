// What a float64 version of a kernel is: the output and each extra, from flat, row-major arrays of the inputs.
import type { KernelCall } from '../../../src/graph/kernel.ts'

/** Attributes are the kernel's own: each reference names its type. */
export type KernelReference<A = never> = (
  op: KernelCall<A>,
  x: readonly ArrayLike<number>[],
) => readonly Float64Array[]

// biome-ignore lint/suspicious/noExplicitAny: a table of functions over different attribute types
export type KernelReferences = Readonly<Record<string, KernelReference<any>>>
