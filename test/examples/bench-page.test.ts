// The bench's page: built as `npm run bench:browser` does it, with the library's entries in it. What it measures isn't
// run here.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { makeFolder, removeFolder } from '../runtimes/folders.ts'

const folder = makeFolder('lanegrad-bench-page-')
afterAll(() => removeFolder(folder))

test("the core's bare product, whose program the bench writes by hand, is a product", async () => {
  const { subject } = await import(pathToFileURL(resolve('bench/subjects/lanegrad.mjs')).href)
  const [m, k, n] = [3, 5, 4]
  const a = Float32Array.from({ length: m * k }, (_, i) => i - 6)
  const b = Float32Array.from({ length: k * n }, (_, i) => (i % 3) - 1)
  const product = subject.matmul?.({ name: 'small', form: 'A.B', m, k, n, a, b } as never)
  product?.run()
  const byHand = Array.from({ length: m * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n]
    return Array.from({ length: k }, (_, i) => a[row * k + i] * b[i * n + column]).reduce((x, y) => x + y)
  })
  expect([...(product?.read() ?? [])]).toEqual(byHand)
})

test('what is not installed and what is not built are told apart', () => {
  const own = join(folder, 'copy')
  cpSync('bench', join(own, 'bench'), {
    recursive: true,
    filter: (path) =>
      /^bench(\/(subjects|pretrained|\w+\.mjs|package\.json)|$)/.test(path.replaceAll('\\', '/')),
  })
  mkdirSync(join(own, 'build'))
  writeFileSync(join(own, 'build/core.wasm'), '')
  writeFileSync(join(own, 'package.json'), readFileSync('package.json'))
  const why = (name: string) => {
    const program = `import { loadSubject } from './bench/subjects/index.mjs'
      console.log(await (await loadSubject('${name}')).available())`
    const args = ['--input-type=module', '-e', program]
    return execFileSync(process.execPath, args, { cwd: own, encoding: 'utf8' }).trim()
  }
  expect(why('lanegrad')).toBe('lanegrad is not installed: npm --prefix bench ci')
  expect(why('convnetjs')).toBe('convnetjs is not installed: npm --prefix bench ci')
  mkdirSync(join(own, 'bench/node_modules'))
  symlinkSync(own, join(own, 'bench/node_modules/lanegrad'), 'junction')
  expect(why('lanegrad')).toBe('not built yet (no dist/index.js): npm run build')
})

if (!process.env.CI) console.log('bench-page.test.ts: the page is bundled with CI=1 alone')
test.runIf(process.env.CI)('every entry that the subjects import is bundled', { timeout: 60_000 }, () => {
  const program = `import { buildPage } from './bench/browser/main.mjs'; await buildPage(${JSON.stringify(folder)})`
  execFileSync(process.execPath, ['--input-type=module', '-e', program])
  const scripts = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.js'),
  )
  expect(scripts).toEqual(expect.arrayContaining(['page.js', 'worker.js']))
  const code = scripts.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
  expect(code.match(/\b(?:from|import)\(?"lanegrad[^"]*"/g)).toBeNull()
})
