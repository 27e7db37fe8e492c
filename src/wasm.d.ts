// A .wasm import is what the build makes of it: bytes in the bundle and in tests, a module where the runtime compiles it.
declare module '*.wasm' {
  const binary: import('./binaries/kernel-module.ts').Binary
  export default binary
}

// Which functions of the core may call which: scripts/static.mjs finds it.
declare module '*/core.calls.json' {
  const graph: {
    /** By number of the function. */
    readonly names: readonly string[]
    readonly calls: readonly { readonly calls: readonly number[]; readonly lists: readonly number[] }[]
    /** Functions with neighbouring places in the table, one of which is called by a number among the operands. */
    readonly lists: readonly (readonly number[])[]
    /** Exports. */
    readonly roots: Readonly<Record<'kernelAt' | (string & {}), number>>
  }
  export default graph
}
