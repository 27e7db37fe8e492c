// A folder to run the suite from. Enters: golden cases, the built library (dist/). Leaves: a temporary folder with
// script.js, page.js, inside.js, forbidden.js and worker.js, the library's files beside them, and cases.json; the caller removes it.
// What is tested is the library as it ships, not its sources: imports of src/index.ts become imports of dist's files.
import { copyFileSync, cpSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { casesIn } from '../golden-runner/command.ts'
import { makeFolder } from './folders.ts'

/** npm and vitest run in the project's root. */
const ROOT = process.cwd()

async function bundle(names: readonly string[], library: string, folder: string): Promise<void> {
  await build({
    entryPoints: names.map((name) => join(ROOT, 'test/runtimes', `${name}.ts`)),
    outdir: folder,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['node:*'],
    tsconfigRaw: '{}',
    logLevel: 'warning',
    plugins: [
      {
        name: 'shipped',
        setup: ({ onResolve }) =>
          onResolve({ filter: /\/src\/(\w+\/)?index\.ts$/ }, ({ path }) => {
            const [, entry] = /(\w+)\/index\.ts$/.exec(path) ?? []
            return { path: library.replace('index', entry === 'src' ? 'index' : `${entry}`), external: true }
          }),
      },
    ],
  })
}

/** How many golden cases there are, and the folder; of the cases every `every`-th. */
export async function stage(every = 1): Promise<{ folder: string; caseCount: number }> {
  if (!existsSync(join(ROOT, 'dist/workerd'))) throw new Error('no dist/workerd: npm run build first')
  const folder = makeFolder('lanegrad-suite-')
  const cases = casesIn(join(ROOT, 'test/golden')).filter((_, i) => i % every === 0)
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
  await bundle(['script', 'page', 'inside', 'forbidden'], './index.js', folder)
  await bundle(['worker'], './workerd/index.js', folder)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const name of ['index', 'relaxed', 'threads'])
    copyFileSync(join(ROOT, `dist/${name}.js`), join(folder, `${name}.js`))
  for (const name of ['workerd', 'wasm'])
    cpSync(join(ROOT, 'dist', name), join(folder, name), { recursive: true })
  return { folder, caseCount: cases.length }
}
