// Compiled kernels as data: what the planner names and the engine instantiates.

/**
 * Compiled kernels as a build of the library brings them: bytes (or a function that gives them on first use), the module
 * where the runtime compiles .wasm imports itself, null where `init` brings it.
 */
export type Binary = Uint8Array<ArrayBuffer> | (() => Uint8Array<ArrayBuffer>) | WebAssembly.Module | null

/** Compiled kernels, apart from the core: loaded into the same memory and function table when a program first needs one. */
export interface KernelModule {
  readonly name: string
  readonly binary: Binary
  /** Op codes: its first, and the one behind its last. */
  readonly codes: readonly [number, number]
}
