// Continuous integration, in parts: `node scripts/ci.mjs` runs all of them in order on a clean checkout, `node scripts/ci.mjs check test`
// runs these. Needs Node alone, on Linux, macOS and Windows. Ends with the first part that fails. Installs that mostly wait for a
// network go on beside the parts behind them, until `test`.
import { spawn } from 'node:child_process'
import { npmCommand } from './npm.mjs'

const QUIET = ['--no-audit', '--no-fund']
const inFolder = (folder) => ['--prefix', folder, 'ci', '--ignore-scripts', ...QUIET]

/** The arguments of npm, by part. */
const PARTS = {
  install: ['ci', ...QUIET],
  check: ['run', 'check'],
  // what models of other makers are held against
  interchange: inFolder('test/interchange'),
  // bundlers, test runners, compilers of the packed package
  tools: inFolder('test/tools'),
  build: ['run', 'build'],
  size: ['run', 'size'],
  // the reference, which typedoc makes, guides and playground
  site: ['run', 'site'],
  // exactly what a newcomer runs
  test: ['cit', ...QUIET],
  // error bounds of exp, log, tanh ..., 20 s; every float32 takes some ten minutes
  math: ['run', 'scan:math', '--', '--grid'],
  runtimes: [
    ...['run', 'test:runtimes', '--', '--install'],
    ...['node24', 'deno', 'bun', 'workerd', 'chromium', 'firefox'],
  ],
  // the packed package: flags of Node, types, and the tools, which are there
  package: ['run', 'test:package', '--ignore-scripts'],
  example: ['run', 'example', '--', 'edge'],
}
/** Those that others needn't wait for, and those that wait for them. */
const BESIDE = ['interchange', 'tools']
const AFTER_THEM = ['test', 'package']

/** Runs a part to its end; what one beside others prints comes in one piece. */
function run(name, isBeside) {
  const [program, args] = npmCommand(PARTS[name])
  const stdio = isBeside ? ['ignore', 'pipe', 'pipe'] : 'inherit'
  const child = spawn(program, args, { stdio, env: { ...process.env, CI: process.env.CI || '1' } })
  let text = ''
  const take = (data) => {
    text += data
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  return new Promise((resolve) => {
    child.on('error', ({ message }) => resolve({ status: 1, text: message }))
    child.on('close', (status) => resolve({ status: status ?? 1, text }))
  })
}

function end({ status, text }) {
  if (text) console.log(text)
  if (status !== 0) process.exit(status)
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in PARTS))
if (unknown.length > 0) {
  console.error(`no part ${unknown.join(', ')}. There are: ${Object.keys(PARTS).join(', ')}`)
  process.exit(2)
}
if (asked.includes('package') && !asked.includes('tools')) asked.unshift('tools')
const beside = []
for (const name of asked.length > 0 ? asked : Object.keys(PARTS)) {
  const isBeside = BESIDE.includes(name)
  if (AFTER_THEM.includes(name)) for (const one of beside.splice(0)) end(await one)
  console.log(`\n== ${name}: npm ${PARTS[name].join(' ')}`)
  if (isBeside) beside.push(run(name, true))
  else end(await run(name, false))
}
for (const one of beside) end(await one)
