// A .wasm import is what the build makes of it: bytes in the bundle and in tests, a module where the runtime compiles it.
declare module '*.wasm' {
  const binary: import('./binaries/kernel-module.ts').Binary
  export default binary
}
