// The installed package in the test runners that people use: in each a test makes, trains, saves and loads a net. Their
// environments and pools give tests globals of another realm than the engine's, or leave some out.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readmeBlocks } from '../support/installed.ts'
import {
  installProject,
  lackOfTools,
  learntIn,
  printedBy,
  type ToolProject,
  toolPath,
  versions,
  writeProgram,
} from '../tools/tools.ts'

const lacking = lackOfTools()
const node = process.execPath

/** A test whose file takes the way over the disk: its bytes are Node's own, of the realm outside. */
const body = `async () => {
    const through = (bytes) => { writeFileSync('net.bin', bytes); return readFileSync('net.bin') }
    console.log(await learns({}, through))
  }`
const esm = `
  import { readFileSync, writeFileSync } from 'node:fs'
  import { learns } from './learns.mjs'`

describe.skipIf(lacking)(`the installed package${lacking}`, () => {
  let project: ToolProject
  beforeAll(() => {
    project = installProject()
  }, 120_000)
  afterAll(() => project?.remove())

  describe(`Jest ${versions.jest}`, () => {
    const toCommonJs = {
      transform: {
        '\\.m?js$': [
          'babel-jest',
          { plugins: ['@babel/plugin-transform-modules-commonjs'], babelrc: false, configFile: false },
        ],
      },
      transformIgnorePatterns: ['node_modules/(?!lanegrad/)'],
    }
    test("the README's configuration", { timeout: 240_000 }, async () => {
      const cwd = writeProgram(project, 'jest-readme', {
        'package.json': '{}',
        'jest.config.mjs': readmeBlocks('javascript jest.config.mjs')[0],
        'net.test.js': `${esm}\ntest('learns', ${body})`,
      })
      const args = [toolPath('jest/bin/jest.js'), '--runInBand', '--no-cache']
      expect(learntIn(await printedBy(node, args, { cwd }))).toBe(project.expected)
    })

    test.each([
      ['node', 'CommonJS', toCommonJs],
      ['jsdom', 'CommonJS', toCommonJs],
      ['node', 'ES modules', { transform: {} }],
      ['jsdom', 'ES modules', { transform: {} }],
    ])('environment %s, %s', { timeout: 240_000 }, async (testEnvironment, kind, config) => {
      const isEsm = kind === 'ES modules'
      const settings = { ...config, testEnvironment, moduleFileExtensions: ['js', 'mjs', 'json'] }
      const cwd = writeProgram(project, `jest-${testEnvironment}-${isEsm}`, {
        'package.json': `{ "type": "${isEsm ? 'module' : 'commonjs'}" }`,
        'jest.config.json': JSON.stringify(settings),
        'net.test.js': `${esm}\ntest('learns', ${body})`,
      })
      const flags = isEsm ? ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'] : []
      const args = [toolPath('jest/bin/jest.js'), '--runInBand', '--no-cache', '--config', 'jest.config.json']
      const printed = await printedBy(node, [...flags, ...args], { cwd })
      expect(learntIn(printed)).toBe(project.expected)
    })
  })

  describe(`Vitest ${versions.vitest}`, () => {
    const environments = ['node', 'jsdom', 'happy-dom']
    const pools = ['forks', 'threads', 'vmThreads', 'vmForks']
    const kinds = environments.flatMap((environment) =>
      pools.map((pool) => ({ name: `${environment}, ${pool}`, environment, pool, inline: [] as string[] })),
    )
    for (const { environment, pool } of [kinds[0], kinds[5], kinds[10]]) // transformed by Vite, too
      kinds.push({ name: `${environment}, ${pool}, inlined`, environment, pool, inline: ['lanegrad'] })
    let told: (name: string) => string
    beforeAll(async () => {
      const projects = kinds.map(({ name, inline, ...settings }) => ({
        test: {
          ...settings,
          name: name.replaceAll(', ', '-'),
          env: { KIND: name },
          server: { deps: { inline } },
        },
      }))
      const cwd = writeProgram(project, 'vitest', {
        'vitest.config.mjs': `export default { test: { projects: ${JSON.stringify(projects)} } }`,
        'net.test.js': `
          import { test } from 'vitest'
          ${esm}
          const { KIND } = process.env
          test('learns', async () => {
            const through = (bytes) => { writeFileSync(KIND + '.bin', bytes); return readFileSync(KIND + '.bin') }
            writeFileSync(KIND + '.txt', await learns({}, through).catch(String))
          })`,
      })
      const args = [toolPath('vitest/vitest.mjs'), 'run', '--no-color', '--maxWorkers=2']
      await printedBy(node, args, { cwd })
      told = (name) => readFileSync(join(cwd, `${name}.txt`), 'utf8')
    }, 120_000)
    test.each(kinds.map(({ name }) => name))('%s', (name) => {
      expect(told(name)).toBe(project.expected)
    })
  })

  test(`Mocha ${versions.mocha}`, { timeout: 60_000 }, async () => {
    const cwd = writeProgram(project, 'mocha', { 'net.spec.mjs': `${esm}\nit('learns', ${body})` })
    const printed = await printedBy(node, [toolPath('mocha/bin/mocha.js'), 'net.spec.mjs'], { cwd })
    expect(learntIn(printed)).toBe(project.expected)
  })

  test("Node's own", { timeout: 60_000 }, async () => {
    const cwd = writeProgram(project, 'node-test', {
      'net.test.mjs': `import { test } from 'node:test'\n${esm}\ntest('learns', ${body})`,
    })
    expect(learntIn(await printedBy(node, ['--test'], { cwd }))).toBe(project.expected)
  })
})
