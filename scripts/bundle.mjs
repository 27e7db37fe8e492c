// src/ to dist/: the entries of the package, four times the same code with their binaries brought in another way.
//
//   index.js              the binaries inside: any runtime, any bundler, no configuration
//   workerd/index.js      `import core from '../../wasm/core.wasm'` gives a WebAssembly.Module: Cloudflare Workers. Each import has a
//                         file of its own, workerd/wasm/core.js: bundlers drop a script that nothing uses, but no binary
//   edge-light/index.js   likewise, as Vercel's bundlers spell it: `core.wasm?module`
//   slim/index.js         none: the program gives them to `init`
//   wasm/*.wasm           the binaries
//   *.js.map              to the sources, which are in them
//   cli.js                the command `lanegrad`, beside index.js
//
// `run.js` and `run/modules.js` are made in the same way: an entry that stands alone declares the binaries its code names.
//
// Inside, the bytes of each binary travel as a string of printable ASCII, the same for every bundler (src/cli/ascii.ts). They
// stand in front of the code: in its midst gzip would have to change its statistics twice (3 %).
// Terser passes over esbuild's output once more (it inlines across the former modules): 4 % of the gzipped size.
// `shakable` marks what a bundler may drop, so that a program gets only what it imports.
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { minify } from 'terser'
import { asciiOf, DECODER } from './coder.mjs'
import { fromOthers, publicNames, sources, standalone, subpaths } from './entries.mjs'
import { withFunctions } from './functions.mjs'
import { ordered } from './order.mjs'
import { urlPath } from './paths.mjs'
import { shakable } from './shakable.mjs'

/** In this order, alike next to alike, gzip, which looks back 32 KB, makes 2 KB less of them than by name. */
const names = Object.keys(JSON.parse(readFileSync('asconfig.json', 'utf8')).targets)
const constant = (name) => `WASM_${name.toUpperCase()}`

const patches = {
  name: 'patches',
  setup({ onLoad }) {
    onLoad({ filter: /\.wasm$/ }, ({ path }) => ({
      contents: `export default ${constant(/(\w+)\.wasm$/.exec(path)[1])}`,
      loader: 'js',
    }))
    // what it does at import, and what it asks of one realm only
    onLoad({ filter: /@assemblyscript[\\/]loader[\\/]index\.js$/ }, ({ path }) => {
      let text = readFileSync(path, 'utf8')
      for (const [part, instead] of [
        [/^Object\.hasOwn = [^}]*\};?$/m, ''], // for engines of before 2021
        // the exports are called as they are, without what the loader has for strings and arrays: 1.3 KB gzipped
        [/postInstantiate\(extended, instance\)/g, 'instance.exports'],
        // and ours import none of what it has for abort, trace and seed: 0.3 KB
        [/= preInstantiate\(imports\)/g, '= {}'],
        ['new TextDecoder("utf-16le", { fatal: true })', 'null'], // without it strings are read by a loop
        [
          'src instanceof WebAssembly.Module',
          'Object.prototype.toString.call(src) === "[object WebAssembly.Module]"',
        ],
      ]) {
        const patched = text.replace(part, instead)
        if (patched === text) throw new Error(`@assemblyscript/loader no longer has ${part}`)
        text = patched
      }
      return { contents: text, loader: 'js' }
    })
  },
}

const settings = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'none',
  sourcemap: 'external',
  write: false,
  outdir: 'dist',
}

const output = ({ outputFiles: [map, code] }) => ({ code: code.text, map: JSON.parse(map.text) })

/** esbuild and Terser read the map of what they are given from its end. */
const withMap = ({ code, map }) =>
  `${code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`

/**
 * Before the message of an uncaught error Node prints the line that threw it and a caret under its column, so lines are
 * short: Terser ends statements by newlines instead of semicolons (which costs nothing, where lines of 120 characters cost
 * 1 %), and only longer lines are broken elsewhere.
 */
const LONGEST_LINE = 600

/**
 * Names of an entry and of the main one that keep theirs in stacks and prints. esbuild can't be told, so it leaves all names to
 * Terser. Local variables of these names keep them as well, which is why those of the other entries aren't here.
 */
const keptIn = (entry) => ['src/index.ts', entry].flatMap((from) => [...publicNames(from).values()].flat())

/**
 * Whole numbers in front, as the constants they are in the sources: esbuild then puts them where they are used. Terser does so
 * too, but not in computed keys.
 */
function withConstants({ code, map }) {
  const numbers = []
  const rest = code.replace(/^var ([A-Z][A-Z0-9_]* = \d+;)$/gm, (_, number) => {
    numbers.push(`const ${number}`)
    return ''
  })
  return { code: numbers.join(' ') + rest, map }
}

/**
 * Characters of a script above which constants become functions, and functions change places: gzip finds what is smaller where
 * it stands, and engines read it fast.
 */
const LARGE = 60_000

/** A program: nobody imports it, and it does something. */
const CLI = 'src/cli/main.ts'

/** `entry` with all it imports, minified, and its source map; the constants of the binaries are undeclared. */
async function bundle(entry) {
  const isAlone = standalone.has(entry)
  const plugins = isAlone ? [patches] : [patches, fromOthers(entry)]
  const all = await build({ ...settings, entryPoints: [entry], plugins, external: ['node:*'] })
  const merged = withConstants(output(all))
  const marked = entry === CLI ? merged : shakable(merged, entry)
  // marked once for esbuild to drop what this bundle doesn't use, once more since Terser takes the marks away
  const used = await build({
    ...settings,
    stdin: { contents: withMap(marked), sourcefile: resolve('dist/marked.js') },
    external: ['*'],
    minifySyntax: true,
    minifyWhitespace: true,
  })
  const { code: text, map: content } = output(used)
  // inline 1: more makes top-level variables of what is inlined, set in the midst of another's initializer
  // never pure_getters: some getters check, and are read for that alone
  const options = {
    module: true,
    ecma: 2020,
    compress: { passes: 3, inline: 1, lhs_constants: false, unsafe_methods: true },
    mangle: { reserved: keptIn(entry) },
    format: { ascii_only: true, semicolons: false, max_line_len: LONGEST_LINE },
    sourceMap: { content, asObject: true },
  }
  const minified = await minify(text, options)
  if (entry === CLI) return minified
  const isLarge = minified.code.length > LARGE
  const made = withFunctions(minified, isLarge)
  return shakable(isLarge ? ordered(made) : made, entry)
}

const start = new Date()

/** Writes a file whole or not at all, and as old as what it is made from at most. */
function put(path, data) {
  const file = `dist/${path}`
  const partial = `${file}.${process.pid}`
  mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true })
  writeFileSync(partial, data)
  utimesSync(partial, start, start)
  renameSync(partial, file)
  return file
}

/** How esbuild names what `fromOthers` makes, by its path in the project. */
const PUBLIC = /^public:/

/**
 * Writes a script behind lines that have no place in a map: as many in each script of a map (`map`: from dist/), which is
 * written once, with the script it is named after.
 */
function write(path, { code, map }, before = [], mapPath = `${path}.map`) {
  const toMap = urlPath(dirname(path), mapPath)
  const file = put(
    path,
    `${before.map((line) => `${line}\n`).join('')}${code}\n//# sourceMappingURL=${toMap}\n`,
  )
  if (mapPath === `${path}.map`) {
    const from = dirname(`dist/${path}`)
    const sources = map.sources.map((source) => urlPath(from, resolve('dist', source.replace(PUBLIC, '../'))))
    const mappings = ';'.repeat(before.length) + map.mappings
    put(mapPath, JSON.stringify({ ...map, sources, mappings }))
  }
  const bytes = readFileSync(file)
  const gzipped = gzipSync(bytes, { level: 9 }).length
  if (!process.argv.includes('--quiet')) console.log(`${file}: ${bytes.length} bytes, ${gzipped} gzipped`)
}

const textOf = (name) => asciiOf(readFileSync(`build/${name}.wasm`))

/** What declares a binary in each folder, by the name of its constant, its file, and the way to the folder of binaries. */
const declarations = {
  '': { line: (name, file) => `function ${name}(){return WASM_BYTES(${JSON.stringify(textOf(file))})}` },
  'workerd/': imported(''),
  'edge-light/': imported('?module'),
  'slim/': { line: (name) => `const ${name}=null;` },
}

/** A runtime that compiles imports itself must know every instruction: not sure for the relaxed ones. */
const isImported = (file) => file !== 'relaxed'
function imported(query) {
  return {
    query,
    line: (name, file, to) =>
      isImported(file) ? `import ${name} from"${to}/${file}.js";` : `const ${name}=null;`,
  }
}

/** The binaries that a script brings. */
const usedIn = (code) => names.filter((name) => new RegExp(`\\b${constant(name)}\\b`).test(code))

/** The lines in front of a script: one for each binary it names, and a first one, empty where there is nothing to decode. */
function binaryLines(folder, path, code) {
  const used = usedIn(code)
  const to = urlPath(dirname(path), `${folder}wasm`).replace(/^(?!\.)/, './')
  const lines = used.map((name) => declarations[folder].line(constant(name), name, to))
  return used.length === 0 ? [] : [folder === '' ? DECODER : '', ...lines]
}

/** All of them, or only the first two: what examples and benchmarks import. These are kept while nothing has changed. */
const isWhole = !process.argv.includes('--default')
const folders = isWhole ? Object.keys(declarations) : ['', 'workerd/']

/** Whether all that would be written is newer than all it is made from, folders and times of renaming included. */
function isNew() {
  const scripts = ['bundle', 'coder', 'entries', 'functions', 'order', 'shakable'].map(
    (name) => `scripts/${name}.mjs`,
  )
  const settings = ['package.json', 'package-lock.json', 'asconfig.json', 'tsconfig.json', 'assembly/abi.ts']
  const files = readdirSync('src', { recursive: true }).map((path) => `src/${path}`)
  const from = [...scripts, ...settings, 'src', ...files, ...names.map((name) => `build/${name}.wasm`)]
  const to = [
    'dist/cli.js',
    ...folders.flatMap((folder) => ['index', ...subpaths].map((name) => `dist/${folder}${name}.js`)),
    ...names.map((name) => `dist/wasm/${name}.wasm`),
  ]
  const changedMs = Math.max(...from.map((file) => statSync(file).ctimeMs))
  return to.every((file) => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > changedMs)
}
if (!isWhole) {
  if (isNew()) process.exit()
  console.error('building dist ...')
}

const scripts = folders.flatMap((folder) =>
  ['index', ...subpaths].map((name) => {
    const source = sources[folder === 'slim/' ? `slim/${name}` : name]
    return { folder, path: `${folder}${name}.js`, source }
  }),
)
const bundles = new Map(
  await Promise.all(
    [...new Set(scripts.map(({ source }) => source))].map(async (source) => [source, await bundle(source)]),
  ),
)
const inMain = usedIn(bundles.get(sources.index).code)
for (const [source, { code }] of bundles) {
  const twice = standalone.has(source) ? undefined : usedIn(code).find((name) => inMain.includes(name))
  if (twice) throw new Error(`${source} imports what brings ${twice}.wasm, which the main file brings`)
}
const maps = new Map()
for (const { folder, path, source } of scripts) {
  const bundled = bundles.get(source)
  if (!maps.has(source)) maps.set(source, `${path}.map`)
  write(path, bundled, binaryLines(folder, path, bundled.code), maps.get(source))
}
for (const folder of folders) {
  const { query } = declarations[folder]
  if (query === undefined) continue
  for (const name of names.filter(isImported))
    put(`${folder}wasm/${name}.js`, `export { default } from '../../wasm/${name}.wasm${query}'\n`)
}
write('cli.js', await bundle(CLI), ['#!/usr/bin/env node'])
for (const name of names) put(`wasm/${name}.wasm`, readFileSync(`build/${name}.wasm`))
