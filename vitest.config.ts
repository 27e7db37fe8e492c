// A .wasm import is its bytes, as esbuild's binary loader makes it in the bundle.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [
    {
      name: 'wasm-bytes',
      enforce: 'pre',
      load(id) {
        if (!id.endsWith('.wasm')) return null
        const base64 = readFileSync(id).toString('base64')
        return `export default Uint8Array.from(atob('${base64}'), (c) => c.charCodeAt(0))`
      },
    },
  ],
  // all cores: by default one stays free, which on a machine of two doubles the time
  test: { include: ['test/**/*.test.ts'], testTimeout: 30_000, maxWorkers: availableParallelism() },
})
