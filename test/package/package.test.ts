// The built package, packed and installed: what is in it, and that every way of loading it gives the same library.
// Needs `npm run build` (npm run test:package does it).
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { subpaths } from '../../scripts/entries.mjs'
import { npmCommand } from '../../scripts/npm.mjs'
import { runtimes } from '../runtimes/runtimes.ts'
import { install, isXor, numbersIn, type Project, readmePrograms, root } from '../support/installed.ts'
import { versions } from '../tools/tools.ts'

let project: Project
beforeAll(() => {
  project = install()
}, 120_000)
afterAll(() => project.remove())

const names = Object.keys(JSON.parse(readFileSync(join(root, 'asconfig.json'), 'utf8')).targets).sort()
const xor = readmePrograms()[0]
/** Subpaths with a folder for tools that know no exports map. */
const withoutExports = ['slim', ...subpaths.flatMap((name) => [name, `slim/${name}`])]
const dist = (path: string) => join(project.folder, 'node_modules/lanegrad/dist', path)

describe('the tarball', () => {
  test('has the library, its source maps, its binaries and its types, and nothing else', () => {
    const scripts = ['', 'edge-light/', 'slim/', 'workerd/'].flatMap((folder) =>
      ['index', ...subpaths].map((name) => `dist/${folder}${name}.js`),
    )
    const maps = [...['cli', 'index', ...subpaths], 'slim/index', 'slim/run'].map(
      (name) => `dist/${name}.js.map`,
    )
    const binaries = names.map((name) => `dist/wasm/${name}.wasm`)
    const imports = names
      .filter((name) => name !== 'relaxed') // which a runtime that compiles imports may not know
      .flatMap((name) => ['edge-light', 'workerd'].map((folder) => `dist/${folder}/wasm/${name}.js`))
    const folders = withoutExports.map((path) => `${path}/package.json`)
    const python = readdirSync(join(root, 'python'), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(py|toml)$/.test(path))
      .map((path) => `python/${path.replaceAll('\\', '/')}`)
    const recipes = readdirSync(join(root, 'examples/recipes'), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.\w+$/.test(path))
      .map((path) => `examples/recipes/${path.replaceAll('\\', '/')}`)
    const rest = project.files.filter((path) => !/^dist\/types\/(?:\w+\/)*[\w.-]+\.d\.ts$/.test(path))
    const others = [...maps, ...binaries, ...imports, ...folders]
    expect(rest).toEqual(
      [
        'LICENSE',
        'README.md',
        'dist/cli.js',
        ...scripts,
        ...others,
        ...python,
        ...recipes,
        'package.json',
      ].sort(),
    )
  })

  test('its manifest names no dependency and no script that runs at install', () => {
    const { dependencies, peerDependencies, scripts, exports } = JSON.parse(
      readFileSync(join(project.folder, 'node_modules/lanegrad/package.json'), 'utf8'),
    )
    expect([dependencies, peerDependencies]).toEqual([undefined, undefined])
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare)$/.test(name))).toEqual([])
    const targets = JSON.stringify(exports).matchAll(/"\.\/(dist\/[^"*]+|package\.json)"/g)
    for (const [, path] of targets) expect(project.files).toContain(path)
  })

  test('tools that know no exports map find the same files: main, and a folder for each subpath', () => {
    const manifest = (path: string) =>
      JSON.parse(readFileSync(join(project.folder, 'node_modules/lanegrad', path, 'package.json'), 'utf8'))
    const { exports } = manifest('.')
    const fileOf = (path: string, target: string) => `./${join(path, target)}`
    for (const path of ['.', ...withoutExports]) {
      const { types, default: main } = exports[path === '.' ? path : `./${path}`]
      const found = manifest(path)
      expect([fileOf(path, found.main), fileOf(path, found.types)]).toEqual([main, types])
      expect([found.type, found.sideEffects]).toEqual(['module', false])
    }
  })

  test.each(['', 'workerd/', 'edge-light/', 'slim/'])('%s: no script makes code from text', (folder) => {
    for (const name of ['index', ...subpaths]) {
      const code = readFileSync(dist(`${folder}${name}.js`), 'utf8')
      expect(code).not.toMatch(/\beval\s*\(|\bFunction\s*\(|\bimport\s*\(|\brequire\s*\(/)
    }
  })

  test('what runs frozen files needs no other script than those that import binaries', () => {
    for (const folder of ['', 'workerd/', 'edge-light/', 'slim/'])
      for (const name of ['run', 'run/modules']) {
        const code = readFileSync(dist(`${folder}${name}.js`), 'utf8')
        const imports = [...code.matchAll(/\b(?:from|import)\s*"([^"]+)"/g)].map(([, from]) => from)
        expect(imports.filter((from) => !/\/wasm\/\w+\.js$/.test(from))).toEqual([])
      }
  })

  test('its recipes run where it is installed', () => {
    const printed = project.node('node_modules/lanegrad/examples/recipes/table.js')
    expect(Number(/error in miles per gallon: ([\d.]+)/.exec(printed)?.[1])).toBeLessThan(2.5)
  })

  test('its command runs', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(
      project.run(...(npmCommand(['exec', '--no', '--', 'lanegrad', '--version']).flat() as [string])).trim(),
    ).toBe(version)
  })

  test('its licence names what else is bundled', () => {
    const licence = readFileSync(join(project.folder, 'node_modules/lanegrad/LICENSE'), 'utf8')
    for (const part of ['MIT License', '@assemblyscript/loader', 'Papa Parse'])
      expect(licence).toContain(part)
  })
})

test('the guide of tools names the versions of the tools that are tried', () => {
  const tried = readFileSync(join(root, 'docs/guides/tools.md'), 'utf8')
    .split('## Tried with')[1]
    .split('\n## ')[0]
  const names = ['Rollup', 'Vite', 'webpack', 'Parcel', 'tsx', 'Jest', 'Vitest', 'Mocha']
  const others = { Rspack: '@rspack/core', 'Next.js': 'next' }
  for (const [name, tool] of [...names.map((own) => [own, own.toLowerCase()]), ...Object.entries(others)])
    expect(tried).toContain(`${name} ${/^\d+\.\d+/.exec(versions[tool])}`)
})

describe("the README's first model, as it stands there", () => {
  test('has ten lines at most', () => {
    expect(xor.trim().split('\n').length).toBeLessThanOrEqual(10)
  })

  const commands: Readonly<Record<string, readonly string[]>> = { deno: ['run', '--no-prompt'], bun: ['run'] }
  const those = runtimes.filter(({ name }) => name.startsWith('node') || commands[name])
  for (const { name, find } of those) {
    const program = find()
    const isAbsent = program ? '' : ' (skipped: not here; npm run test:runtimes -- --install)'
    test.skipIf(isAbsent)(`${name} learns XOR${isAbsent}`, { timeout: 60_000 }, () => {
      project.write('xor.mjs', xor)
      const printed = project.run(program ?? '', ...(commands[name] ?? []), 'xor.mjs')
      expect(numbersIn(printed).slice(-4)).toSatisfy(isXor)
    })
  }
})

describe('the examples, with the installed package', () => {
  const examples = readdirSync(join(root, 'examples')).filter(
    (name) => name !== 'playground' && existsSync(join(root, 'examples', name, 'main.ts')),
  )
  const banner = "import { createRequire as own } from 'node:module'; const require = own(import.meta.url)"
  const make = async (name: string): Promise<string> => {
    await build({
      entryPoints: [join(root, 'examples', name, 'main.ts')],
      outfile: join(project.folder, `${name}.mjs`),
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['lanegrad', 'lanegrad/*'],
      tsconfigRaw: '{}',
      banner: { js: banner }, // for what else an example uses, which isn't made of ES modules
      logLevel: 'error',
    })
    return `${name}.mjs`
  }

  test.each(examples)('%s finds all it imports', async (name) => {
    expect(project.node(await make(name), '--help')).toMatch(/^Usage: npm /)
  })

  test('cartpole learns', { timeout: 120_000 }, async () => {
    expect(project.node(await make('cartpole'))).toMatch(/^solved: mean reward/m)
  })
})

describe('Node', () => {
  // require of an ES module: 20.19, 22.12 and later
  for (const { name, find } of runtimes.filter((runtime) => runtime.name.startsWith('node'))) {
    const program = find()
    test.skipIf(!program)(`${name}: require gives the same library as import`, () => {
      project.write(
        'both.cjs',
        `const required = require('lanegrad')
         const data = require('lanegrad/data')
         import('lanegrad').then((imported) => console.log(
           required.sequential === imported.sequential, required.LanegradError === data.LanegradError))`,
      )
      const printed = project.run(program ?? '', '--disable-warning=ExperimentalWarning', 'both.cjs')
      expect(printed.trim()).toBe('true true')
    })
  }

  test.each([
    ['lanegrad', 'lanegrad/data'],
    ['lanegrad/slim', 'lanegrad/slim/data'],
  ])('%s and %s throw the same class of error', (main, data) => {
    project.write(
      'errors.mjs',
      `import { LanegradError } from '${main}'
       import { parseCsv } from '${data}'
       try { parseCsv(5) } catch (error) { console.log(error instanceof LanegradError, error.name) }`,
    )
    expect(project.node('errors.mjs').trim()).toBe('true LanegradError')
  })
})

/** Trains nets that need the core, convolution, pooling and random, then frozen ones; prints the bits of what comes out. */
const training = (from: string, before = '') => `
  import * as lanegrad from '${from}'
  import { freeze } from '${from}/freeze'
  import * as run from '${from}/run'
  import { convolution, pooling, random } from '${from}/run/modules'
  const { conv2d, dense, dropout, flatten, maxPooling2d, sequential } = lanegrad
  ${before}
  const net = sequential({ inputShape: [8, 8, 1], seed: 3, layers: [
    conv2d({ filters: 3, kernelSize: 3, activation: 'relu' }), maxPooling2d({ poolSize: 2 }), dropout({ rate: 0.25 }),
    flatten(), dense({ units: 2 })] })
  net.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
  const x = Float32Array.from({ length: 256 }, (_, i) => (i * 7 % 13) / 13)
  const file = freeze(net, { train: [4], predict: [1] })
  for (const trainer of [net, run.open(file, { modules: [convolution, pooling, random] })]) {
    for (let i = 0; i < 5; i++) trainer.trainStep(x, [[0, 1], [1, 0], [1, 1], [0, 0]])
    console.log([...trainer.predict(x).data].join())
  }`

/** .wasm imports are compiled modules, as workerd and Vercel's edge make them; nothing may be compiled after that. */
const edgeHooks = `
  import { readdirSync, readFileSync } from 'node:fs'
  export async function load(url, context, next) {
    if (!/\\.wasm(\\?module)?$/.test(url)) return next(url, context)
    const bytes = readFileSync(new URL(url.replace('?module', ''))).toString('base64')
    return { format: 'module', shortCircuit: true, source: \`
      const bytes = Uint8Array.from(atob('\${bytes}'), (c) => c.charCodeAt(0))
      export default new globalThis.compileWasm(bytes)\` }
  }`
const edgeRegister = `
  import { register } from 'node:module'
  globalThis.compileWasm = WebAssembly.Module
  const refuse = () => { throw new Error('no code generation here') }
  WebAssembly.compile = WebAssembly.compileStreaming = WebAssembly.instantiateStreaming = refuse
  const { instantiate } = WebAssembly
  WebAssembly.instantiate = (code, env) => code instanceof compileWasm ? instantiate(code, env) : refuse()
  WebAssembly.Module = new Proxy(compileWasm, { construct: refuse })
  register('./edge-hooks.mjs', import.meta.url)`

describe('every build trains to the same bits', () => {
  let expected: string
  beforeAll(() => {
    project.write('default.mjs', training('lanegrad'))
    expected = project.node('default.mjs')
    const [trained, frozen] = expected.trim().split('\n')
    expect(frozen).toBe(trained)
  })

  test.each(['workerd', 'edge-light'])('%s: compiled binaries, no code made at run time', (condition) => {
    project.write('edge-hooks.mjs', edgeHooks)
    project.write('edge-register.mjs', edgeRegister)
    project.write('edge.mjs', training('lanegrad'))
    const flags = [
      '--disallow-code-generation-from-strings',
      '--import',
      './edge-register.mjs',
      '-C',
      condition,
    ]
    expect(project.node(...flags, 'edge.mjs')).toBe(expected)
  })

  // bundlers set it for the workers of browsers, too; what must have compiled binaries says more
  test('worker: the default build', () => {
    project.write(
      'which.mjs',
      "console.log(import.meta.resolve('lanegrad'), import.meta.resolve('lanegrad/data'))",
    )
    const printed = project.node('-C', 'worker', '-C', 'browser', 'which.mjs').trim().split(' ')
    expect(printed.map((url) => url.split('/lanegrad/')[1])).toEqual(['dist/index.js', 'dist/data.js'])
  })

  test('the default build would not do there', () => {
    project.write('edge-hooks.mjs', edgeHooks)
    project.write('edge-register.mjs', edgeRegister)
    project.write('tried.mjs', `import('./default.mjs').catch(({ message }) => console.log(message))`)
    expect(project.node('--import', './edge-register.mjs', 'tried.mjs')).toMatch(/no code generation here/)
  })

  const read = "(name) => readFileSync(new URL(import.meta.resolve('lanegrad/wasm/' + name + '.wasm')))"
  test.each([
    ['bytes', read],
    ['modules', `((read) => (name) => new WebAssembly.Module(read(name)))(${read})`],
  ])('slim, with init({ %s })', (what, of) => {
    const before = `
      const { readFileSync } = await import('node:fs')
      const list = ${JSON.stringify(names.filter((name) => name !== 'relaxed'))}.map((name) => [name, (${of})(name)])
      for (const { init } of [lanegrad, run]) await init({ ${what}: Object.fromEntries(list) })`
    project.write('slim.mjs', training('lanegrad/slim', before))
    expect(project.node('slim.mjs')).toBe(expected)
  })

  test.each(['', "only: ['core', 'convolution', 'pooling', 'random']"])(
    'slim, with init({ url, %s })',
    async (only) => {
      const server = createServer((request, response) => {
        response.end(readFileSync(dist(`wasm${request.url?.slice('/kernels'.length)}`)))
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      const given = `{ url: 'http://127.0.0.1:${port}/kernels', ${only} }`
      const before = `for (const { init } of [lanegrad, run]) await init(${given})`
      project.write('slim-url.mjs', training('lanegrad/slim', before))
      const run = promisify(execFile)(process.execPath, ['slim-url.mjs'], { cwd: project.folder })
      expect((await run.finally(() => server.close())).stdout).toBe(expected)
    },
  )
})

describe('slim, where a binary is missing', () => {
  const { port, close } = (() => {
    const server = createServer((request, response) => {
      const isThere = request.url === '/core.wasm'
      response.statusCode = isThere ? 200 : 404
      response.end(isThere ? readFileSync(dist('wasm/core.wasm')) : 'none')
    })
    server.listen(0, '127.0.0.1')
    return { port: () => (server.address() as AddressInfo).port, close: () => server.close() }
  })()
  afterAll(close)
  const attempt = async (work: string) => {
    project.write(
      'missing.mjs',
      `import { conv2d, dense, flatten, init, LanegradError, sequential } from 'lanegrad/slim'
       const url = 'http://127.0.0.1:${port()}'
       try { ${work} } catch (error) { console.log(error instanceof LanegradError, error.message) }`,
    )
    return (
      await promisify(execFile)(process.execPath, ['missing.mjs'], { cwd: project.folder })
    ).stdout.trim()
  }
  const dense = 'sequential({ inputShape: [2], layers: [dense({ units: 1 })] })'
  const conv =
    'sequential({ inputShape: [4, 4, 1], layers: [conv2d({ filters: 1, kernelSize: 2 })] }).predict(new Float32Array(16))'

  test('before init', async () => {
    expect(await attempt(dense)).toBe(
      'true the kernels of module core are not loaded: await init with core.wasm first',
    )
  })

  test('a layer that needs another module', async () => {
    expect(await attempt(`await init({ url, only: ['core'] }); ${dense}; ${conv}`)).toBe(
      'true the kernels of module convolution are not loaded: await init with convolution.wasm first',
    )
  })

  test('on the server; nothing is loaded then', async () => {
    expect(await attempt(`await init({ url, only: ['core', 'convolution'] })`)).toBe(
      `true init: can't load http://127.0.0.1:${port()}/convolution.wasm: 404 Not Found`,
    )
    expect(await attempt(`await init({ url }).catch(() => {}); ${dense}`)).toMatch(/core are not loaded/)
  })

  test('and the server too', async () => {
    expect(await attempt(`await init({ url: 'http://127.0.0.1:1/', only: ['core'] })`)).toMatch(
      /^true init: can't load http:\/\/127\.0\.0\.1:1\/core\.wasm: /,
    )
  })
})
