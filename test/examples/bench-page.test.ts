// The bench's page: built as `npm run bench:browser` does it, with the library's entries in it. What it measures isn't
// run here.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { makeFolder, removeFolder } from '../runtimes/folders.ts'

const folder = makeFolder('lanegrad-bench-page-')
afterAll(() => removeFolder(folder))

test('every entry that the subjects import is bundled', { timeout: 60_000 }, () => {
  const program = `import { buildPage } from './bench/browser/main.mjs'; await buildPage(${JSON.stringify(folder)})`
  execFileSync(process.execPath, ['--input-type=module', '-e', program])
  const scripts = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.js'),
  )
  expect(scripts).toEqual(expect.arrayContaining(['page.js', 'worker.js']))
  const code = scripts.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
  expect(code.match(/\b(?:from|import)\(?"lanegrad[^"]*"/g)).toBeNull()
})
