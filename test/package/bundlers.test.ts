// The installed package through the bundlers people use, without configuration, each output run in Node: it learns the
// same bits as without a bundler, and what a program doesn't import is left out. Pages and workers: apps.test.ts.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BuildOptions, build as esbuild } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { subpaths } from '../../scripts/entries.mjs'
import { runtimes } from '../runtimes/runtimes.ts'
import { readmePrograms } from '../support/installed.ts'
import { compile } from '../tools/compile.ts'
import {
  installProject,
  lack,
  lackOfTools,
  learntIn,
  printedBy,
  type ToolProject,
  tool,
  toolPath,
  versions,
} from '../tools/tools.ts'

const lacking = lackOfTools()

/** Bundles `entry` into `into`, a folder of ES modules, gives the path of the file to run. */
type Bundler = (project: ToolProject, entry: string, into: string) => Promise<string>

const esbuilt =
  (options: BuildOptions, name = 'out.mjs'): Bundler =>
  async (_, entry, into) => {
    const outfile = join(into, name)
    await esbuild({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      outfile,
      logLevel: 'error',
      ...options,
    })
    return outfile
  }

const rolled =
  (...more: string[]): Bundler =>
  async (_, input, into) => {
    const { rollup } = await tool('rollup')
    const { nodeResolve } = await tool('@rollup/plugin-node-resolve')
    const plugins = await Promise.all(more.map(async (name) => (await tool(name))()))
    const bundle = await rollup({ input, plugins: [nodeResolve(), ...plugins] })
    const file = join(into, 'out.mjs')
    await bundle.write({ file, format: 'esm' })
    return file
  }

const vited =
  (build: object, more: object = {}): Bundler =>
  async (project, entry, into) => {
    const { build: run } = await tool('vite')
    const options = { outDir: into, emptyOutDir: false, target: 'esnext' }
    const settings = { root: project.folder, configFile: false, logLevel: 'error', ...more }
    const isLibrary = !('ssr' in build)
    const input = isLibrary ? { lib: { entry, formats: ['es'], fileName: 'out' } } : { ssr: entry }
    await run({ ...settings, build: { ...options, ...input } })
    return join(into, readdirSync(into).find((name) => /\.m?js$/.test(name)) ?? '')
  }

const packed =
  (name: 'webpack' | '@rspack/core', options: object = {}): Bundler =>
  async (project, entry, into) => {
    const output = { path: into, filename: 'out.mjs', library: { type: 'module' }, module: true }
    await compile(name, {
      context: project.folder,
      entry,
      experiments: { outputModule: true },
      output,
      ...options,
    })
    return join(into, 'out.mjs')
  }

const bundlers: Readonly<Record<string, Bundler>> = {
  esbuild: esbuilt({ format: 'esm' }),
  rollup: rolled(),
  vite: vited({}),
  webpack: packed('webpack'),
  rspack: packed('@rspack/core'),
}

/** Other ways that projects set them up. */
const settings: Readonly<Record<string, Bundler>> = {
  'esbuild, cjs for node': esbuilt({ format: 'cjs', platform: 'node' }, 'out.cjs'),
  'esbuild, iife for browser': esbuilt({ format: 'iife', platform: 'browser' }, 'out.cjs'),
  'esbuild, esm for neutral': esbuilt({ format: 'esm', platform: 'neutral' }),
  'rollup with commonjs': rolled('@rollup/plugin-commonjs'),
  'vite, ssr with noExternal': vited({ ssr: true }, { ssr: { noExternal: ['lanegrad'] } }),
  'rspack, target node': packed('@rspack/core', { target: 'node' }),
}

describe.skipIf(lacking)(`the installed package${lacking}`, () => {
  let project: ToolProject
  beforeAll(() => {
    project = installProject()
  }, 120_000)
  afterAll(() => project?.remove())

  const folderOf = (name: string) => {
    const into = name.replace(/\W+/g, '-')
    project.write(`${into}/package.json`, '{ "type": "module" }')
    return join(project.folder, into)
  }

  const all = { ...bundlers, ...settings }
  test.each(Object.keys(all))('%s: a net learns', { timeout: 240_000 }, async (name) => {
    const entry = project.write(
      'main.mjs',
      "import { learns } from './learns.mjs'\nlearns().then(console.log)",
    )
    const file = await all[name](project, entry, folderOf(name))
    const printed = await printedBy(process.execPath, [file], { cwd: project.folder })
    expect(learntIn(printed)).toBe(project.expected)
  })

  // the smallest net: whatever the bundler, no kernels of other layers, no other layers
  test.each(Object.keys(bundlers))(
    '%s: what is not imported is left out',
    { timeout: 240_000 },
    async (name) => {
      const entry = project.write('small.mjs', readmePrograms()[0])
      const file = await bundlers[name](project, entry, folderOf(`${name}-small`))
      const code = readFileSync(file, 'utf8')
      for (const kind of ['conv2d', 'lstm', 'maxPooling2d', 'batchNormalization', 'embedding'])
        expect(code).not.toMatch(new RegExp(`["'\`]${kind}["'\`]`))
    },
  )

  const bun = runtimes.find(({ name }) => name === 'bun')?.find()
  const lackingBun = lack(bun !== undefined, 'bun: npm run test:runtimes -- --install bun')
  test.skipIf(lackingBun).each(['node', 'browser'])(
    `bun build, target %s${lackingBun}`,
    { timeout: 60_000 },
    async (target) => {
      const entry = project.write(
        'main.mjs',
        "import { learns } from './learns.mjs'\nlearns().then(console.log)",
      )
      const outfile = join(folderOf(`bun-${target}`), 'out.mjs')
      const cwd = project.folder
      await printedBy(bun ?? '', ['build', entry, `--target=${target}`, `--outfile=${outfile}`], { cwd })
      expect(learntIn(await printedBy(process.execPath, [outfile], { cwd }))).toBe(project.expected)
    },
  )

  test.each(['main.mts', 'main.ts'])(`tsx ${versions.tsx}: %s`, { timeout: 60_000 }, async (file) => {
    const program = `import { learns } from './learns.mjs'\nlearns().then(console.log)`
    project.write(file, program)
    const printed = await printedBy(process.execPath, [toolPath('tsx/dist/cli.mjs'), file], {
      cwd: project.folder,
    })
    expect(learntIn(printed)).toBe(project.expected)
  })

  describe('what a bundler keeps', () => {
    const dist = (path: string) => join(project.folder, 'node_modules/lanegrad/dist', path)
    const bundle = async (contents: string) => {
      const { outputFiles } = await esbuild({
        stdin: { contents, resolveDir: project.folder },
        bundle: true,
        format: 'esm',
        charset: 'utf8',
        write: false,
        logLevel: 'error',
      })
      return outputFiles[0].text
    }

    test.each(['index.js', 'slim/index.js', ...subpaths.map((name) => `${name}.js`)])(
      '%s has no effect of its own',
      async (path) => {
        // outside of the package nothing says `sideEffects: false`: what stays is what can't be proven free of effects
        for (const name of [path, 'index.js', 'relaxed.js', 'threads.js'])
          project.write(`copy/${name}`, readFileSync(dist(name)))
        const kept = await bundle(`import './copy/${path}'`)
        expect(kept.replace(/^\/\/.*$/gm, '').trim()).toBe('')
      },
    )

    test("a small program has no other layer's code and no other binary than the core's", async () => {
      const code = await bundle(
        `import { adam, dense, meanSquaredError, sequential } from 'lanegrad'
         console.log(adam, dense, meanSquaredError, sequential)`,
      )
      const binaries = [...code.matchAll(/function WASM_([A-Z]+)\(/g)].map(([, name]) => name.toLowerCase())
      // losses, metrics and activations may be given by their names
      expect(binaries.sort()).toEqual(['core', 'extras', 'functions'])
      for (const kind of [
        'conv2d',
        'lstm',
        'gru',
        'maxPooling2d',
        'batchNormalization',
        'dropout',
        'embedding',
      ])
        expect(code).not.toMatch(new RegExp(`["']${kind}["']`))
    })
  })
})
