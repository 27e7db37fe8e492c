// Memory over many models: made, trained for a step and dropped, none may stay. Counted in a process of its own,
// where garbage can be collected on demand, on a bundle of the library made for it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'memory-test-'))
const MIB = 2 ** 20

// Prints the bytes that `repeats` rounds of `round` add, after `warmup` rounds of it.
const script = `
import { dense, sequential } from './bundle.mjs'
const make = () => sequential({
  inputShape: [64],
  layers: [dense({ units: 64, activation: 'relu' }), dense({ units: 1 })],
}).compile({ loss: 'mse' })
const x = new Float32Array(64 * 8)
const y = new Float32Array(8)
const kept = []
const long = make()
let size = 0
const rounds = {
  drop: () => make().trainStep(x, y),
  dispose: () => { const net = make(); net.trainStep(x, y); net.dispose() },
  keep: () => { const net = make(); net.trainStep(x, y); kept.push(net) },
  step: () => long.trainStep(x, y),
  sizes: () => long.predict(new Float32Array(64 * ++size), { batchSize: size }),
}
const turn = () => new Promise((resolve) => setImmediate(resolve))
async function run(round, count) {
  for (let i = 0; i < count; i++) {
    round()
    if (i % 50 === 49) await turn()
  }
  for (let i = 0; i < 3; i++) {
    gc()
    await turn()
  }
  return process.memoryUsage()
}
const [name, warmup, repeats] = process.argv.slice(2)
const before = await run(rounds[name], Number(warmup))
const after = await run(rounds[name], Number(repeats))
const added = Object.entries(after).map(([key, bytes]) => [key, bytes - before[key]])
console.log(JSON.stringify({ ...Object.fromEntries(added), alive: kept.length + typeof long.predict }))
`

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL('../../src/index.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    loader: { '.wasm': 'binary' },
    outfile: join(folder, 'bundle.mjs'),
    logLevel: 'warning',
  })
  writeFileSync(join(folder, 'main.mjs'), script)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Bytes added by `repeats` rounds: resident, in JavaScript objects, and in memories outside of them. */
function added(name: string, warmup: number, repeats: number) {
  const args = ['--expose-gc', join(folder, 'main.mjs'), name, String(warmup), String(repeats)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as {
    rss: number
    heapUsed: number
    external: number
  }
}

// A model of the script holds a WebAssembly memory of 128 KiB or more: 500 that stay are 64 MiB.
test.each(process.env.CI ? ['drop', 'dispose'] : ['drop'])(
  'many models, %s after a step: no growth',
  (name) => {
    const { rss, heapUsed, external } = added(name, 200, process.env.CI ? 1000 : 500)
    expect(external).toBeLessThan(2 * MIB)
    expect(heapUsed).toBeLessThan(4 * MIB)
    expect(rss).toBeLessThan(48 * MIB) // the engine gives pages back late
  },
)

test('models that are kept do count: the measure sees a leak', () => {
  expect(added('keep', 20, 100).external).toBeGreaterThan(100 * 128 * 1024)
})

test('steps of one model add nothing', () => {
  const { heapUsed, external } = added('step', 500, 10_000)
  expect(external).toBeLessThan(MIB)
  expect(heapUsed).toBeLessThan(MIB)
})

// A plan takes about 20 KiB: 400 that stay are 8 MiB. The batches themselves grow the memory, once.
test('batches of ever new sizes add no plans', () => {
  expect(added('sizes', 100, 400).heapUsed).toBeLessThan(2 * MIB)
})
