// assembly/ to build/*.wasm: the core and each module of kernels, the targets of asconfig.json.
// A target is compiled again only when one of the files it is made from is newer than its binary.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

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
  const { outFile } = targets[target]
  const partial = `${outFile}.${process.pid}`
  const args = [entryOf(target), '--target', target, '--outFile', partial]
  const asc = spawn(process.execPath, ['node_modules/assemblyscript/bin/asc.js', ...args], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  // of --converge: its last round made nothing smaller and was thrown away
  const remark = 'Last converge was suboptimal.'
  let text = ''
  asc.stderr.setEncoding('utf8').on('data', (part) => {
    text += part
  })
  const code = await new Promise((resolve) => asc.on('close', resolve))
  process.stderr.write(text.replaceAll(`${remark}\n`, '').replace(remark, ''))
  if (code !== 0) process.exit(1)
  renameSync(partial, outFile)
}

mkdirSync('build', { recursive: true })
const queue = Object.keys(targets).filter((target) => {
  const sources = ['asconfig.json', ...sourcesOf(entryOf(target))]
  return timeOf(targets[target].outFile) <= Math.max(...sources.map(timeOf))
})
const worker = async () => {
  for (let target = queue.shift(); target; target = queue.shift()) await compile(target)
}
await Promise.all(Array.from({ length: availableParallelism() }, worker))
