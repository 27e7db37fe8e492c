// assembly/ to build/*.wasm: the core and each module of kernels, the targets of asconfig.json.
// A target is compiled again only when one of the files it is made from is newer than its binary.
// One process for all: the compiler's own start takes longer than most of them.
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkRanges } from './ranges.mjs'

const { targets } = JSON.parse(readFileSync('asconfig.json', 'utf8'))
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
  const where = ['--outFile', partial, '--memoryBase', `${STATIC_BASE}`]
  const { error, stderr } = await main([entryOf(target), '--target', target, ...where])
  process.stderr.write(stderr.toString())
  if (error) {
    console.error(`${target}: ${error.message}`)
    process.exit(1)
  }
  writeFileSync(partial, withoutStatics(readFileSync(partial)))
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
