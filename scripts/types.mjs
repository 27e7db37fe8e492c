// src/ to dist/types: the declarations a program may reach from the package's entries. tsc writes them for all of src, with
// `.ts` in their imports, which only some of TypeScript's module resolutions follow: here they become `.js`. What not every
// program has declared (no DOM, no newer library) is declared beside its use. In the end they are compiled by themselves.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path/posix' // these paths go into imports and a tsconfig
import { sources } from './entries.mjs'

const FROM = 'build/types'
const TO = 'dist/types'
const WASM = /\bWebAssembly\.(\w+)/g
const IMPORT = /((?:\bfrom|\bimport\()\s*['"])(\.[^'"]*)\.ts(?=['"])/g

const tsc = (...args) =>
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...args], { stdio: 'inherit' })

rmSync(FROM, { recursive: true, force: true })
tsc('-p', 'tsconfig.build.json')

rmSync(TO, { recursive: true, force: true })
const reached = new Set()
function take(source) {
  if (reached.has(source)) return
  reached.add(source)
  const text = readFileSync(join(FROM, source.replace(/\.ts$/, '.d.ts')), 'utf8')
  const file = join(TO, relative('src', source).replace(/\.ts$/, '.d.ts'))
  if (file.startsWith('dist/assembly')) throw new Error(`${source}: no part of the public types`)
  mkdirSync(dirname(file), { recursive: true })
  const lib = text.includes('[Symbol.dispose]') ? '/// <reference lib="esnext.disposable" />\n' : ''
  const wasm = [...new Set(Array.from(text.matchAll(WASM), ([, name]) => `interface ${name} {}`))].join(' ')
  const page = /: Element\b/.test(text) ? 'interface Element {}' : '' // a page's own, where there is one
  const own = [wasm && `namespace WebAssembly { ${wasm} }`, page].filter(Boolean).join(' ')
  const declared = own && `declare global { ${own} }\n`
  writeFileSync(file, lib + text.replace(IMPORT, '$1$2.js') + declared)
  for (const [, , path] of text.matchAll(IMPORT)) take(`${join(dirname(source), path)}.ts`)
}
for (const entry of Object.values(sources)) take(entry)

// as a program of Node has them, with no DOM: nothing may refer to what @internal took out, or to what isn't declared there
const checked = join(FROM, 'tsconfig.json')
const compilerOptions = {
  ...{ module: 'nodenext', target: 'es2022', lib: ['es2022'], types: ['node'] },
  ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true },
}
writeFileSync(checked, JSON.stringify({ compilerOptions, include: [relative(FROM, TO)] }))
tsc('-p', checked)
