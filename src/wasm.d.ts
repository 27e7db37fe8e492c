// A .wasm import is its bytes: esbuild's binary loader and the test configuration both make it so.
declare module '*.wasm' {
  const bytes: Uint8Array<ArrayBuffer>
  export default bytes
}
