// `npm run size`: what a page loads, gzipped, for everything, for small programs and for each subpath; beside it the budget
// and the figure of scripts/size.json. Fails where a figure has grown beyond that file's (a budget that is exceeded is
// shown, it fails nothing); `node scripts/size.mjs --write` accepts the present figures.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { minify } from 'terser'
import { coreFor, freeze } from '../dist/freeze.js'
import { adam, dense, sequential } from '../dist/index.js'
import { subpaths } from './entries.mjs'

const HELD = new URL('size.json', import.meta.url)
/** Growth that may come from another zlib or esbuild. */
const SLACK = 1.01

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length

/** A program as a page gets it: bundled, minified. */
async function program(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  })
  const { code } = await minify(outputFiles[0].text, { module: true, ecma: 2020, compress: { passes: 3 } })
  return gzipped(code)
}

const dist = (path) => gzipped(readFileSync(`dist/${path}`))
const binaries = (names) => names.reduce((sum, name) => sum + dist(`wasm/${name}`), 0)
const small = (main) =>
  program(`import { adam, dense, meanSquaredError, sequential } from './dist/${main}'
    const model = sequential({ inputShape: [2], layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })] })
    model.compile({ optimizer: adam(), loss: meanSquaredError() })
    model.fit([[0, 0], [0, 1]], [0, 1]).then(() => console.log(model.predict([[0, 1]])))`)

/** A program that opens a frozen file with the core for it. */
const opening = await program(`import { open } from './dist/slim/run.js'
  export const trainer = (file, core) => open(file, { core })
  export const learn = (trainer, x, y) => trainer.trainStep(x, y).loss
  export const read = (trainer, x) => trainer.predict(x)`)

/** A frozen file without its weights and the core for it: 784-128-10 with Adam, to train 32 rows at once and predict 1 or 32. */
function frozenPrograms() {
  const layers = [dense({ units: 128, activation: 'relu' }), dense({ units: 10, activation: 'softmax' })]
  const model = sequential({ inputShape: [784], layers })
  model.compile({ optimizer: adam(), loss: 'sparseCategoricalCrossentropy' })
  const file = freeze(model, { train: [32], predict: [1, 32] })
  const start = 8 + Number(new DataView(file.buffer).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start)))
  const weights = Object.keys(model.getWeights()).map((name) => header[name].data_offsets)
  const isWeight = (at) => weights.some(([from, to]) => at >= start + from && at < start + to)
  return (
    gzipped(file.filter((_, at) => !isWeight(at))) +
    gzipped(coreFor(file, readFileSync('dist/wasm/core.wasm')))
  )
}

/** By what it is: gzipped bytes, budget. */
const rows = {
  'everything (index.js)': [dist('index.js'), 120_000],
  'small program: sequential, dense, adam, a loss': [await small('index.js'), 58_000],
  'frozen 784-128-10 with Adam: open, trainStep, predict (no weights)': [opening + frozenPrograms(), 24_000],
  'everything, slim, its binaries beside it': [
    dist('slim/index.js') + binaries(readdirSync('dist/wasm').filter((name) => name !== 'relaxed.wasm')),
    120_000,
  ],
  'small program, slim, core.wasm beside it': [
    (await small('slim/index.js')) + binaries(['core.wasm']),
    58_000,
  ],
  ...Object.fromEntries(subpaths.map((name) => [`lanegrad/${name}`, [dist(`${name}.js`), null]])),
  ...Object.fromEntries(readdirSync('dist/wasm').map((name) => [name, [dist(`wasm/${name}`), null]])),
}

const held = JSON.parse(readFileSync(HELD, 'utf8'))
const WIDTH = 4 + Math.max(...Object.keys(rows).map((what) => what.length))
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} KB`.padStart(9)
console.log(`${'gzipped'.padEnd(WIDTH)}${'now'.padStart(9)}${'held at'.padStart(10)}${'budget'.padStart(10)}`)
for (const [what, [bytes, budget]] of Object.entries(rows)) {
  const limit = budget === null ? '' : ` ${kilobytes(budget)}${bytes > budget ? '  exceeded' : ''}`
  console.log(
    `${what.padEnd(WIDTH)}${kilobytes(bytes)} ${held[what] ? kilobytes(held[what]) : '  new'.padEnd(9)}${limit}`,
  )
}
if (process.argv.includes('--write')) {
  const figures = Object.fromEntries(Object.entries(rows).map(([what, [bytes]]) => [what, bytes]))
  writeFileSync(HELD, `${JSON.stringify(figures, null, 2)}\n`)
} else {
  const grown = Object.entries(rows).filter(([what, [bytes]]) => !(bytes <= held[what] * SLACK))
  for (const [what, [bytes]] of grown) console.error(`${what}: ${bytes} bytes, held at ${held[what]}`)
  if (grown.length > 0) {
    console.error('it grew; if that is worth it: node scripts/size.mjs --write')
    process.exitCode = 1
  }
}
