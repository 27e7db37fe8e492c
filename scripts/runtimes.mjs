// `npm run test:runtimes`: bundles test/runtimes/main.ts and runs it; it stages dist/ itself.
import { spawn } from 'node:child_process'
import { build } from 'esbuild'

const outfile = 'build/runtimes.js'
await build({
  entryPoints: ['test/runtimes/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  loader: { '.wasm': 'binary' },
  logLevel: 'warning',
})
process.on('SIGINT', () => {}) // Ctrl-C is the child's: it ends the browsers
spawn(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' }).on('exit', (code) => {
  process.exitCode = code ?? 1
})
