// `npm run size`: what a page loads, gzipped, for everything, for a small program and for each subpath; beside it the budget
// and the figure of scripts/size.json. Fails where a figure has grown beyond that file's (a budget that is exceeded is
// shown, it fails nothing); `node scripts/size.mjs --write` accepts the present figures.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { minify } from 'terser'
import { subpaths } from './subpaths.mjs'

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

/** By what it is: gzipped bytes, budget. */
const rows = {
  'everything (index.js)': [dist('index.js'), 60_000],
  'small program: sequential, dense, adam, a loss': [await small('index.js'), 30_000],
  'everything, slim, its binaries beside it': [
    dist('slim/index.js') + binaries(readdirSync('dist/wasm')),
    60_000,
  ],
  'small program, slim, core.wasm beside it': [
    (await small('slim/index.js')) + binaries(['core.wasm']),
    30_000,
  ],
  ...Object.fromEntries(subpaths.map((name) => [`lanegrad/${name}`, [dist(`${name}.js`), null]])),
  ...Object.fromEntries(readdirSync('dist/wasm').map((name) => [name, [dist(`wasm/${name}`), null]])),
}

const held = JSON.parse(readFileSync(HELD, 'utf8'))
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} KB`.padStart(9)
console.log(`${'gzipped'.padEnd(48)}${'now'.padStart(9)}${'held at'.padStart(10)}${'budget'.padStart(10)}`)
for (const [what, [bytes, budget]] of Object.entries(rows)) {
  const limit = budget === null ? '' : ` ${kilobytes(budget)}${bytes > budget ? '  exceeded' : ''}`
  console.log(
    `${what.padEnd(48)}${kilobytes(bytes)} ${held[what] ? kilobytes(held[what]) : '  new'.padEnd(9)}${limit}`,
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
