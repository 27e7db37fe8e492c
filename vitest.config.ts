// A .wasm import is its bytes, as esbuild's binary loader makes it in the bundle.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export const PACKAGE_TESTS = [
  'bundlers',
  'package',
  'apps',
  'edge',
  'node-flags',
  'test-runners',
  'types',
].map((name) => `test/package/${name}.test.ts`)

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
  // what is packed, and what bundlers make of it: npm run test:package
  // all cores: by default one stays free, which on a machine of two doubles the time
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...PACKAGE_TESTS, '**/node_modules/**'],
    isolate: false, // files of one worker share the modules they import: 25 s less
    testTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } }, // a busy machine takes its time
    maxWorkers: availableParallelism(),
  },
})
