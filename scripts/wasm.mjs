// assembly/ to build/*.wasm: the core and each module of kernels, the targets of asconfig.json.
// A target is compiled again only when one of the files it is made from is newer than its binary.
// One process for all: the compiler's own start takes longer than most of them.
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkRanges } from './ranges.mjs'

const { targets } = JSON.parse(readFileSync('asconfig.json', 'utf8'))
/** Which functions of the core may call which: src/freeze/core-for.ts. */
const CALLS = 'build/core.calls.json'

const timeOf = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
const entryOf = (target) => (target === 'core' ? 'assembly/index.ts' : `assembly/modules/${target}.ts`)

/** `file` and what it imports, over any number of steps. */
function sourcesOf(file, found = new Set()) {
  if (found.has(file)) return found
  found.add(file)
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/from '(\.[^']*)'/g))
    sourcesOf(`${join(dirname(file), path)}.ts`, found)
  return found
}

async function compile(target) {
  const { main } = await import('assemblyscript/asc') // a second, where nothing is to be compiled
  const { STATIC_BASE, withoutStatics } = await import('./static.mjs')
  const { outFile } = targets[target]
  const partial = `${outFile}.${process.pid}`
  // names don't change the code: withoutStatics reads them and writes none
  const where = ['--outFile', partial, '--memoryBase', `${STATIC_BASE}`, '--debug']
  const { error, stderr } = await main([entryOf(target), '--target', target, ...where])
  process.stderr.write(stderr.toString())
  if (error) {
    console.error(`${target}: ${error.message}`)
    process.exit(1)
  }
  const { binary, calls } = withoutStatics(readFileSync(partial))
  writeFileSync(partial, binary)
  if (target === 'core') writeFileSync(CALLS, JSON.stringify(calls))
  renameSync(partial, outFile)
}

mkdirSync('build', { recursive: true })
const old = Object.keys(targets).filter((target) => {
  const sources = ['asconfig.json', 'scripts/static.mjs', ...sourcesOf(entryOf(target))]
  return timeOf(targets[target].outFile) <= Math.max(...sources.map(timeOf))
})
if (old.length > 0) console.error('building build/*.wasm ...')
for (const target of old) await compile(target)
try {
  checkRanges(targets)
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
