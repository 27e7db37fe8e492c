// The installed package on edge runtimes: a route of Next.js with `runtime = 'edge'`, built by both its bundlers and
// served; workerd, with compatibility dates from 2023 to the newest it takes. Each makes, trains, saves and loads a net.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { output, start } from '../runtimes/processes.ts'
import { workerd } from '../runtimes/runtimes.ts'
import { serve } from '../runtimes/workerd.ts'
import { readmeBlocks } from '../support/installed.ts'
import {
  folder,
  installProject,
  lack,
  lackOfTools,
  printedBy,
  type ToolProject,
  toolPath,
  versions,
  writeProgram,
} from '../tools/tools.ts'

const LIMIT_MS = 120_000
const lacking = lackOfTools()
const workerdPath = workerd.find()
const lackingWorkerd = lack(workerdPath !== undefined, 'workerd: npm run test:runtimes -- --install workerd')

let project: ToolProject
beforeAll(() => {
  project = installProject()
}, 120_000)
afterAll(() => project?.remove())

describe.skipIf(lacking)(`Next.js ${versions.next}${lacking}`, () => {
  const env = { NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' }
  const route = `
    import { learns } from '../../learns.mjs'
    export const runtime = 'edge'
    export const dynamic = 'force-dynamic'
    export const GET = async () => new Response(await learns())`

  const layout = `export default ({ children }) => <html lang="en"><body>{children}</body></html>`

  /** The answer of the built app's route. */
  async function answerOf(next: string, cwd: string): Promise<string> {
    const { child, ended, stop } = start(process.execPath, [next, 'start', cwd, '--port=0'], {
      limitMs: LIMIT_MS,
      env,
    })
    try {
      const url = new Promise<string>((resolve) => {
        child.stdout?.on('data', (data) => {
          const found = /http:\/\/localhost:(\d+)/.exec(String(data))
          if (found) resolve(`http://127.0.0.1:${found[1]}/learn`)
        })
      })
      const answer = url.then((address) => fetch(address)).then((response) => response.text())
      return await Promise.race([answer, ended])
    } finally {
      await stop()
    }
  }

  test.each(['--turbopack', '--webpack'])(
    'an edge route, build %s',
    { timeout: 4 * LIMIT_MS },
    async (bundler) => {
      const root = JSON.stringify(folder)
      const cwd = writeProgram(project, `next${bundler}`, {
        'package.json': '{ "name": "app", "private": true }',
        'next.config.mjs': `export default { turbopack: { root: ${root} }, outputFileTracingRoot: ${root} }`,
        'app/learn/route.js': route,
        'app/layout.jsx': layout,
        'app/page.jsx': readmeBlocks('jsx')[0], // the README's page has to build as well
      })
      const next = toolPath('next/dist/bin/next')
      await printedBy(process.execPath, [next, 'build', bundler], { cwd, env, limitMs: 3 * LIMIT_MS })
      expect(await answerOf(next, cwd)).toBe(project.expected)
    },
  )
})

describe.skipIf(lackingWorkerd)(`workerd${lackingWorkerd}`, () => {
  test.each(['2023-05-01', '2024-09-23', 'the newest'])(
    'compatibility date %s',
    { timeout: LIMIT_MS },
    async (date) => {
      // a version of workerd is the newest date it takes
      const version = await output(workerdPath ?? '', ['--version'], LIMIT_MS)
      const newest = /\d{4}-\d\d-\d\d/.exec(version)?.[0] ?? 'no date'
      const entry = project.write(
        'worker.mjs',
        `import { learns } from './learns.mjs'
       export default { fetch: async () => new Response(await learns().catch(String)) }`,
      )
      const outdir = join(project.folder, `workerd-${date.replace(' ', '-')}`)
      const loader = { '.wasm': 'copy' } as const // as the guide of edge runtimes says
      await build({
        entryPoints: [entry],
        outdir,
        bundle: true,
        format: 'esm',
        conditions: ['workerd'],
        loader,
      })
      const names = readdirSync(outdir).sort((a, b) => Number(b === 'worker.js') - Number(a === 'worker.js'))
      const compatibilityDate = date === 'the newest' ? newest : date
      const { url, ended, stop } = await serve(workerdPath ?? '', outdir, names, {
        limitMs: LIMIT_MS,
        compatibilityDate,
      })
      try {
        const answer = fetch(url).then((response) => response.text())
        expect(await Promise.race([answer, ended])).toBe(project.expected)
      } finally {
        await stop()
      }
    },
  )
})
