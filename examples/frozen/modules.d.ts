// The frozen file as a module: its bytes. scripts/frozen.mjs puts them into the script.
declare module 'net.safetensors' {
  const bytes: Uint8Array<ArrayBuffer>
  export default bytes
}
