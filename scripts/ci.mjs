// Continuous integration, in parts: `node scripts/ci.mjs` runs all of them in order on a clean checkout, `node scripts/ci.mjs check test`
// runs these. Needs Node alone, on Linux, macOS and Windows. Ends with the first part that fails.
import { spawnSync } from 'node:child_process'
import { npmCommand } from './npm.mjs'

const QUIET = ['--no-audit', '--no-fund']

/** The arguments of npm, by part. */
const PARTS = {
  install: ['ci', ...QUIET],
  check: ['run', 'check'],
  build: ['run', 'build'],
  size: ['run', 'size'],
  // the reference, which typedoc makes, guides and playground
  site: ['run', 'site'],
  // what models of other makers are held against
  interchange: ['--prefix', 'test/interchange', 'ci', '--ignore-scripts', ...QUIET],
  // exactly what a newcomer runs
  test: ['cit', ...QUIET],
  // error bounds of exp, log, tanh ..., 20 s; every float32 takes some ten minutes
  math: ['run', 'scan:math', '--', '--grid'],
  runtimes: [
    ...['run', 'test:runtimes', '--', '--install'],
    ...['node24', 'deno', 'bun', 'workerd', 'chromium', 'firefox'],
  ],
  // the packed package: bundlers, test runners, edge runtimes, flags of Node, types
  package: ['run', 'test:package'],
  example: ['run', 'example', '--', 'edge'],
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in PARTS))
if (unknown.length > 0) {
  console.error(`no part ${unknown.join(', ')}. There are: ${Object.keys(PARTS).join(', ')}`)
  process.exit(2)
}
for (const name of asked.length > 0 ? asked : Object.keys(PARTS)) {
  console.log(`\n== ${name}: npm ${PARTS[name].join(' ')}`)
  const [program, args] = npmCommand(PARTS[name])
  const { status, error } = spawnSync(program, args, {
    stdio: 'inherit',
    env: { ...process.env, CI: process.env.CI || '1' },
  })
  if (error) console.error(error.message)
  if (status !== 0) process.exit(status ?? 1)
}
