// The frozen file and the core for it as a module: their bytes. build.ts puts them into the script.
declare module 'net.safetensors' {
  export const file: Uint8Array<ArrayBuffer>
  export const core: Uint8Array<ArrayBuffer>
}
