// A data module, as a Worker's bundler makes it of a file: its bytes. Which file, deploy.ts says.
declare module 'base.safetensors' {
  const bytes: ArrayBuffer
  export default bytes
}

// The kernels that the frozen network needs, compiled by the runtime.
declare module 'base.wasm' {
  const code: WebAssembly.Module
  export default code
}
