// src/ to dist/types: the declarations a program may reach from the package's entries. tsc writes them for all of src, with
// `.ts` in their imports, which only some of TypeScript's module resolutions follow: here they become `.js`. What not every
// program has declared (no DOM, no newer library) is declared beside its use.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { sources } from './entries.mjs'

const FROM = 'build/types'
const TO = 'dist/types'
const WASM = 'declare global { namespace WebAssembly { interface Module {} } }\n'
const IMPORT = /((?:\bfrom|\bimport\()\s*['"])(\.[^'"]*)\.ts(?=['"])/g

rmSync(FROM, { recursive: true, force: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
})

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
  const wasm = text.includes('WebAssembly.Module') ? WASM : ''
  writeFileSync(file, lib + text.replace(IMPORT, '$1$2.js') + wasm)
  for (const [, , path] of text.matchAll(IMPORT)) take(`${join(dirname(source), path)}.ts`)
}
for (const entry of Object.values(sources)) take(entry)
