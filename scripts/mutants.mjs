// `npm run mutants`: do the tests see small changes of the code? Enters: test/mutants/*.json, lists of changes by area: a
// file, a text in it that occurs once, the text in its place, and the room: the test files that should fail. Each change is
// made alone, in a copy of the tree, so that the tree itself is never touched. Leaves: a line for each and the share that
// was noticed; build/mutants.json has the outcomes, and a later run does only those that are missing or survived.
//   --only AREA   the changes of one area
//   --from N      from the N-th change on
//   --list PATH   the changes of another file
//   --limit S     seconds for a room (default 400): a run that hangs is killed, and counts as noticed
//   --again       all of them anew
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    from: { type: 'string', default: '1' },
    list: { type: 'string' },
    limit: { type: 'string', default: '400' },
    again: { type: 'boolean', default: false },
  },
})
const LIMIT_MS = Number(options.limit) * 1000
const OUTCOMES = 'build/mutants.json'
const tree = resolve(`build/mutants-${process.pid}`)
/** What was built there without a change. */
const built = `${tree}-built`

/** The running command; it leads a process group, so that workers of the test runner end with it. */
let running = null
const isWindows = process.platform === 'win32'
const killRunning = () => {
  try {
    if (!running) return
    if (isWindows) execFileSync('taskkill', ['/pid', `${running.pid}`, '/t', '/f'], { stdio: 'ignore' })
    else process.kill(-running.pid, 'SIGKILL')
  } catch {} // it has ended
}
const leave = () => {
  killRunning()
  for (const folder of [tree, built]) rmSync(folder, { recursive: true, force: true })
}
process.on('exit', leave)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130))

/** Runs a command in the copy: its exit code, or 'hung'; and what it printed. */
function runThere(command, args) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: tree, detached: !isWindows, stdio: ['ignore', 'pipe', 'pipe'] })
    running = child
    let text = ''
    let hung = false
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data))
    const timer = setTimeout(() => {
      hung = true
      killRunning()
    }, LIMIT_MS)
    child.on('close', (code) => {
      clearTimeout(timer)
      running = null
      done({ code: hung ? 'hung' : code, text })
    })
  })
}

const fileOf = (name) => `test/${name}.test.ts`
const runTests = (room, ...more) =>
  runThere(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...more, ...room.map(fileOf)])
const test = (room) => runTests(room, '--bail=1')

/** By room: whether it passes without a change. One that doesn't tells nothing. */
const passes = new Map()

async function roomsThatPass(room) {
  for (const name of room) {
    if (!passes.has(name)) passes.set(name, (await test([name])).code === 0)
    if (!passes.get(name)) console.log(`    ${name} fails without a change: it tells nothing`)
  }
  return room.filter((name) => passes.get(name))
}

const buildWasm = () => runThere(process.execPath, ['scripts/wasm.mjs'])
const bundle = () => runThere(process.execPath, ['scripts/bundle.mjs', '--quiet'])

const copy = (path, from = '.') =>
  cpSync(join(from, path), join(tree, path), { recursive: true, preserveTimestamps: true })
const builtIn = (folder) =>
  readdirSync(join(folder, 'build'))
    .filter((name) => /\.wasm$|\.calls\.json$/.test(name))
    .map((name) => join('build', name))

/** The tree as it is now, built; what happens to it meanwhile changes nothing here. */
async function makeCopy() {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' })
  for (const path of listed.split('\n').filter((path) => path && existsSync(path))) {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    copy(path)
  }
  mkdirSync(join(tree, 'build'), { recursive: true })
  for (const path of builtIn('.')) copy(path)
  symlinkSync(resolve('node_modules'), join(tree, 'node_modules'), 'junction')
  for (const build of [buildWasm, bundle]) {
    const { code, text } = await build()
    if (code === 0) continue
    console.error(text)
    process.exit(1)
  }
  for (const path of [...builtIn(tree), 'dist'])
    cpSync(join(tree, path), join(built, path), { recursive: true, preserveTimestamps: true })
}

function restoreBuilt() {
  for (const path of [...builtIn(built), 'dist']) copy(path, built)
}

/** Whether a test file reads what the bundler makes. */
const readsBundle = (name) => /dist\//.test(readFileSync(fileOf(name), 'utf8'))

const files = options.list
  ? [options.list]
  : readdirSync('test/mutants').map((name) => join('test/mutants', name))
const all = files
  .filter((path) => path.endsWith('.json'))
  .sort()
  .flatMap((path) =>
    JSON.parse(readFileSync(path, 'utf8')).map((change) => ({ area: basename(path, '.json'), ...change })),
  )
  .map((change, i) => ({
    ...change,
    number: i + 1,
    key: createHash('sha256')
      .update(`${change.file}\n${change.from}\n${change.to}`)
      .digest('hex')
      .slice(0, 16),
  }))
const readKnown = () => (existsSync(OUTCOMES) ? JSON.parse(readFileSync(OUTCOMES, 'utf8')) : {})
if (options.again) rmSync(OUTCOMES, { force: true })
const known = readKnown()
const chosen = all.filter(
  ({ area, number }) => (options.only ?? area) === area && number >= Number(options.from),
)
const isOpen = ({ key }) => !['noticed', 'hung'].includes(known[key]?.outcome)
const open = chosen.filter(isOpen)

const lineOf = ({ number, area, file, from, to }, outcome) =>
  `${String(number).padStart(3)} ${outcome.padEnd(9)} ${area}: ${file}: ${short(from)} -> ${short(to)}`
const short = (text) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)

function keep(change, outcome, seconds = 0) {
  const { key, number, area, file, from, to } = change
  Object.assign(known, readKnown()) // another run may have written meanwhile
  known[key] = { outcome, number, area, file, from, to, seconds }
  writeFileSync(OUTCOMES, `${JSON.stringify(known, null, 1)}\n`)
  console.log(lineOf(change, outcome))
}

/**
 * What became of one change: noticed, hung (noticed, too), survived. Not counted: stale, its text isn't there once; broken,
 * it doesn't build; red, its room fails without it.
 */
async function outcomeOf({ file, from, to, room }) {
  const path = join(tree, file)
  const whole = readFileSync(path, 'utf8')
  if (whole.split(from).length !== 2) return 'stale'
  const { atime, mtime } = statSync(path)
  writeFileSync(
    path,
    whole.replace(from, () => to),
  )
  const isAssembly = file.startsWith('assembly/')
  const needsBundle = room.some(readsBundle)
  try {
    if (isAssembly && (await buildWasm()).code !== 0) return 'broken'
    if (needsBundle && (await bundle()).code !== 0) return 'broken'
    const { code } = await test(room)
    return code === 'hung' ? 'hung' : code === 0 ? 'survived' : 'noticed'
  } finally {
    writeFileSync(path, whole)
    utimesSync(path, atime, mtime)
    if (isAssembly || needsBundle) restoreBuilt()
  }
}

if (open.length > 0) {
  mkdirSync('build', { recursive: true })
  await makeCopy()
  for (const change of open) {
    const start = performance.now()
    const room = await roomsThatPass(change.room)
    const outcome = room.length > 0 ? await outcomeOf({ ...change, room }) : 'red'
    keep(change, outcome, Math.round((performance.now() - start) / 100) / 10)
  }
}

const outcomes = chosen.map((change) => ({ change, outcome: known[change.key]?.outcome ?? 'missing' }))
const isNoticed = ({ outcome }) => outcome === 'noticed' || outcome === 'hung'
const counted = outcomes.filter(({ outcome }) => isNoticed({ outcome }) || outcome === 'survived')
console.log()
for (const { change, outcome } of outcomes.filter((one) => !isNoticed(one)))
  console.log(lineOf(change, outcome))
for (const area of new Set(chosen.map(({ area }) => area))) {
  const own = counted.filter(({ change }) => change.area === area)
  console.log(`${area}: ${own.filter(isNoticed).length} of ${own.length}`)
}
console.log(`noticed: ${counted.filter(isNoticed).length} of ${counted.length}`)
process.exitCode = counted.every(isNoticed) && counted.length === chosen.length ? 0 : 1
