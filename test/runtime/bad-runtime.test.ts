// Runtimes that lack what the library needs: each is told in one message, with what helps. Real ones: Node with parts of
// its engine switched off, the built package. A Content-Security-Policy and workerd are in test/runtime/runtimes.test.ts, binaries
// that are missing or of another version in package.test.ts and init.test.ts, threads in variants.test.ts.
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'

const dist = (folder: string, name = 'index') =>
  JSON.stringify(new URL(`../../dist/${folder}/${name}.js`, import.meta.url).href)

/** What `code` is refused with, in a Node started with `flag`. */
function refusal(flag: string, code: string, folder = '.'): string {
  const program = `
    import * as lanegrad from ${dist(folder)}
    import { relaxed } from ${dist(folder, 'relaxed')}
    import { workers } from ${dist(folder, 'threads')}
    const { dense, init, LanegradError, sequential } = lanegrad
    try { ${code} } catch (error) { console.log(error instanceof LanegradError, error.message) }`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [flag, '--no-warnings', '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  )
  return stdout.trim() || stderr.slice(-500)
}

const MODEL = 'sequential({ inputShape: [2], layers: [dense({ units: 1 })] }).predict([[1, 2]])'

describe.skipIf(process.arch !== 'x64')('a processor without the instructions of wasm SIMD', () => {
  const without = '--no-enable-sse4-1'

  test('a model', () => {
    expect(refusal(without, MODEL)).toMatch(
      /^true this runtime can't compile WebAssembly with SIMD, as Chrome 91, .* can: .*SIMD/,
    )
  })

  test('init of the slim build', () => {
    const code = `const { readFileSync } = await import('node:fs')
      await init({ bytes: { core: readFileSync(new URL('../wasm/core.wasm', ${dist('slim')})) } })`
    expect(refusal(without, code, 'slim')).toMatch(
      /^true init: this runtime can't compile bytes.core: .*SIMD/,
    )
  })
})

describe('no WebAssembly at all', () => {
  const NONE = 'true this runtime has no WebAssembly, or it is switched off (lockdown mode, --jitless)'

  test.each([MODEL, MODEL.replace('inputShape', 'numerics: relaxed(), threads: workers(2), inputShape')])(
    '%s',
    (code) => {
      expect(refusal('--jitless', code)).toBe(NONE)
    },
  )

  test('init of the slim build', () => {
    expect(refusal('--jitless', "await init({ url: 'http://127.0.0.1:1/' })", 'slim')).toBe(NONE)
  })
})
