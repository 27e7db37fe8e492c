// src/ to dist/: the library, four times the same code with its binaries brought in another way, and its subpaths.
//
//   index.js              the binaries inside: any runtime, any bundler, no configuration
//   workerd/index.js      `import core from '../wasm/core.wasm'` gives a WebAssembly.Module: Cloudflare Workers
//   edge-light/index.js   likewise, as Vercel's bundlers spell it: `core.wasm?module`
//   slim/index.js         none: the program gives them to `init`
//   wasm/*.wasm           the binaries
//
// Inside, the bytes of each binary travel as a string of the characters 35..290, one per byte: no control characters and
// no quote to escape, so gzip sees the bytes' own repetitions. Gzipped this costs 5 % over the bare binary; base64
// costs 45 %. They stand in front of the code: in its midst gzip would have to change its statistics twice (3 %).
// Terser passes over esbuild's output once more (it inlines across the former modules): 4 % of the gzipped size.
// Last, `shakable` marks what a bundler may drop, so that a program gets only what it imports.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { minify } from 'terser'
import { shakable } from './shakable.mjs'

const FIRST_CHARACTER = 35
/** Apart from the main file, each with all it needs but the classes of `ONE_INSTANCE`. */
const SUBPATHS = ['data']
/** Sources whose exports are the main file's own wherever they are imported. */
const ONE_INSTANCE = /[\\/]lanegrad-error\.ts$/

const names = Object.keys(JSON.parse(readFileSync('asconfig.json', 'utf8')).targets).sort()
const constant = (name) => `WASM_${name.toUpperCase()}`
const declare = (write) => names.map((name) => write(constant(name), name)).join('')

const sources = (isSubpath) => ({
  name: 'sources',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /\.wasm$/ }, ({ path }) => ({
      contents: `export default ${constant(/(\w+)\.wasm$/.exec(path)[1])}`,
      loader: 'js',
    }))
    // the one effect of the whole program, for engines of before 2021
    onLoad({ filter: /@assemblyscript[\\/]loader[\\/]index\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      const polyfill = /^Object\.hasOwn = [^}]*\};?$/m
      if (!polyfill.test(text))
        throw new Error('@assemblyscript/loader has no polyfill of Object.hasOwn any more')
      return { contents: text.replace(polyfill, ''), loader: 'js' }
    })
    if (isSubpath)
      onResolve({ filter: ONE_INSTANCE }, () => ({ path: './index.js', external: true, sideEffects: false }))
  },
})

/** `entry` with all it imports, minified; the constants of the binaries are undeclared. */
async function bundle(entry, isSubpath) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    plugins: [sources(isSubpath)],
    write: false,
  })
  const options = { module: true, ecma: 2020, compress: { passes: 3 } }
  return shakable((await minify(outputFiles[0].text, options)).code, entry)
}

function write(path, code) {
  const file = `dist/${path}`
  mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true })
  writeFileSync(file, code)
  const gzipped = gzipSync(code, { level: 9 }).length
  if (!process.argv.includes('--quiet'))
    console.log(`${file}: ${Buffer.byteLength(code)} bytes, ${gzipped} gzipped`)
}

const textOf = (name) =>
  Array.from(readFileSync(`build/${name}.wasm`), (byte) => String.fromCharCode(byte + FIRST_CHARACTER)).join(
    '',
  )
const decode = `const WASM_BYTES=s=>Uint8Array.from(s,c=>c.charCodeAt(0)-${FIRST_CHARACTER});`
const inside = (name, file) => `const ${name}=()=>WASM_BYTES(${JSON.stringify(textOf(file))});`

const [main, slim, ...subpaths] = await Promise.all([
  bundle('src/index.ts', false),
  bundle('src/index.slim.ts', false),
  ...SUBPATHS.map((name) => bundle(`src/${name}/index.ts`, true)),
])
write('index.js', decode + declare(inside) + main)
write('workerd/index.js', declare((name, file) => `import ${name} from"../wasm/${file}.wasm";`) + main)
write(
  'edge-light/index.js',
  declare((name, file) => `import ${name} from"../wasm/${file}.wasm?module";`) + main,
)
write('slim/index.js', declare((name) => `const ${name}=null;`) + slim)
for (const folder of ['', 'workerd/', 'edge-light/', 'slim/'])
  SUBPATHS.forEach((name, i) => {
    write(`${folder}${name}.js`, subpaths[i])
  })
mkdirSync('dist/wasm', { recursive: true })
for (const name of names) copyFileSync(`build/${name}.wasm`, `dist/wasm/${name}.wasm`)
