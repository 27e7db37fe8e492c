// The installed package through the bundlers people use, without configuration, each output run in Node; and through the
// checkers of packages. They are no part of the library's install: `npm run test:package` installs them (test/bundlers).
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build as esbuild } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { install, isXor, numbersIn, type Project, readmePrograms, root } from './installed.ts'

const tools = join(root, 'test/bundlers')
const isInstalled = existsSync(join(tools, 'node_modules'))
if (!isInstalled) console.log('bundlers.test.ts is skipped: npm run test:package installs what it needs')

/** A package of test/bundlers. */
async function tool(name: string) {
  const path = createRequire(join(tools, 'package.json')).resolve(name)
  const module = await import(pathToFileURL(path).href)
  return module.default && Object.keys(module).length === 1 ? module.default : module
}

// besides the README's first model: a subpath, whose errors are the main file's
const program = `${readmePrograms()[0]}
import { LanegradError } from 'lanegrad'
import { parseCsv } from 'lanegrad/data'
try { parseCsv(5) } catch (error) { if (!(error instanceof LanegradError)) throw error }`

/** By bundler: bundles `entry` into `folder`, gives the path of the file to run. */
const bundlers: Record<string, (project: Project, entry: string, folder: string) => Promise<string>> = {
  async esbuild(_, entry, folder) {
    const outfile = join(folder, 'out.mjs')
    await esbuild({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      format: 'esm',
      outfile,
      logLevel: 'error',
    })
    return outfile
  },
  async rollup(_, input, folder) {
    const { rollup } = await tool('rollup')
    const { nodeResolve } = await tool('@rollup/plugin-node-resolve')
    const bundle = await rollup({ input, plugins: [nodeResolve()] })
    const file = join(folder, 'out.mjs')
    await bundle.write({ file, format: 'esm' })
    return file
  },
  async vite(project, entry, folder) {
    const { build } = await tool('vite')
    const lib = { entry, formats: ['es'], fileName: 'out' }
    await build({
      root: project.folder,
      configFile: false,
      logLevel: 'error',
      build: { outDir: folder, emptyOutDir: false, target: 'esnext', lib },
    })
    return join(folder, readdirSync(folder).find((name) => name.startsWith('out')) ?? '')
  },
  async webpack(project, entry, folder) {
    const webpack = await tool('webpack')
    const experiments = { outputModule: true }
    const output = { path: folder, filename: 'out.mjs', library: { type: 'module' }, module: true }
    await new Promise<void>((resolve, reject) => {
      const settings = {
        mode: 'production',
        context: project.folder,
        entry,
        experiments,
        output,
        performance: false,
      }
      webpack(settings, (error: Error | null, stats: { hasErrors(): boolean; toString(): string }) => {
        if (error || stats.hasErrors()) reject(error ?? new Error(stats.toString()))
        else resolve()
      })
    })
    return join(folder, 'out.mjs')
  },
}

describe.skipIf(!isInstalled)('the installed package', () => {
  let project: Project
  beforeAll(() => {
    project = install()
  }, 120_000)
  afterAll(() => project.remove())

  test.each(Object.keys(bundlers))('%s: XOR is learnt', { timeout: 120_000 }, async (name) => {
    const entry = project.write('main.mjs', program)
    project.write(`${name}/package.json`, '{ "type": "module" }')
    const file = await bundlers[name](project, entry, join(project.folder, name))
    expect(numbersIn(project.node(file)).slice(-4)).toSatisfy(isXor)
  })

  // the smallest net: whatever the bundler, no kernels of other layers, no other layers
  test.each(Object.keys(bundlers))(
    '%s: what is not imported is left out',
    { timeout: 120_000 },
    async (name) => {
      const entry = project.write('small.mjs', readmePrograms()[0])
      project.write(`${name}-small/package.json`, '{ "type": "module" }')
      const file = await bundlers[name](project, entry, join(project.folder, `${name}-small`))
      const code = readFileSync(file, 'utf8')
      for (const kind of ['conv2d', 'lstm', 'maxPooling2d', 'batchNormalization', 'embedding'])
        expect(code).not.toMatch(new RegExp(`["'\`]${kind}["'\`]`))
    },
  )

  test('publint finds nothing', async () => {
    const { publint } = await tool('publint')
    const { messages } = await publint({
      pkgDir: join(project.folder, 'node_modules/lanegrad'),
      strict: true,
    })
    expect(messages).toEqual([])
  })

  test('are the types wrong? no', { timeout: 120_000 }, () => {
    const tarball = readdirSync(project.folder).find((name) => name.endsWith('.tgz')) ?? ''
    const attw = join(tools, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const args = [attw, join(project.folder, tarball), '--profile', 'esm-only', '--format', 'json']
    let printed: string
    try {
      printed = execFileSync(process.execPath, args, { encoding: 'utf8' })
    } catch (error) {
      printed = (error as { stdout: string }).stdout
    }
    const { analysis } = JSON.parse(printed)
    expect(analysis.types).toEqual({ kind: 'included' })
    const problems: { kind: string; resolutionKind: string }[] = analysis.problems
    const found = new Set(problems.map(({ kind, resolutionKind }) => `${kind} ${resolutionKind}`))
    // what a package of ES modules has: require() of one is Node's own
    expect([...found].sort()).toEqual(['CJSResolvesToESM node16-cjs'])
  })
})
