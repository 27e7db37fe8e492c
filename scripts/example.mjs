// `npm run example -- NAME [options]`: builds examples/NAME/main.ts and runs it in the same terminal. The playground is a
// page, with a command of its own.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { build } from 'esbuild'

const [name, ...args] = process.argv.slice(2)
const names = readdirSync('examples').filter(
  (folder) => existsSync(`examples/${folder}/main.ts`) && folder !== 'playground',
)
if (name === 'playground') {
  console.error('the playground is a page: npm run playground')
  process.exit(2)
}
if (!names.includes(name)) {
  const what = name === undefined || name.startsWith('-') ? 'which example?' : `no example ${name}.`
  console.error(`${what} There are: ${names.join(', ')}\n  npm run example -- NAME [--help]`)
  process.exit(name === '--help' ? 0 : 2)
}

const outfile = `build/examples/${name}.js`
await build({
  entryPoints: [`examples/${name}/main.ts`],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  tsconfigRaw: '{}', // "lanegrad" is the built package, not its sources
  logLevel: 'warning',
})
process.on('SIGINT', () => {}) // Ctrl-C is the example's: it has a last word
spawn(process.execPath, [outfile, ...args], { stdio: 'inherit' }).on('exit', (code) => {
  process.exitCode = code ?? 1
})
