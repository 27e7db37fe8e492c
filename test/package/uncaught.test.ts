// What one reads when a program fails: the built library in every version of Node that is here, as a program of its own.
// Needs `npm run build:js` (npm test does it).
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { runtimes } from '../runtimes/runtimes.ts'
import { root } from '../support/installed.ts'

const folder = mkdtempSync(join(tmpdir(), 'lanegrad-uncaught-'))
afterAll(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'node_modules/lanegrad'), { recursive: true })
writeFileSync(
  join(folder, 'node_modules/lanegrad/package.json'),
  readFileSync(join(root, 'package.json'), 'utf8'),
)
symlinkSync(join(root, 'dist'), join(folder, 'node_modules/lanegrad/dist'))

const model = `const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
  model.compile({ loss: 'mse' })`
/** A program, its message, the frame of the library that it shows, and that frame's file and line in the sources. */
const programs: Readonly<
  Record<string, { code: string; message: string; frame: string; source: string; line: string }>
> = {
  'a maker': {
    code: 'function myOwn() { dense({ units: 0 }) }; myOwn()',
    message: 'dense: units must be a positive integer; got 0',
    frame: 'dense',
    source: 'layers/core.ts',
    line: 'makeLayer(denseKind',
  },
  'a network': {
    code: 'function myOwn() { sequential({ inputShape: [2], layers: [dense({ units: 1 }), flatten(), conv2d({ filters: 1, kernelSize: 1 })] }) }; myOwn()',
    message: 'layer conv2d_1: expected an input [batch, height, width, channels]; got [1,1]',
    frame: 'sequential',
    source: 'model/create.ts',
    line: 'create(',
  },
  'a step': {
    code: `${model}; function myOwn() { model.trainStep([[1, 2]], [[1, 2]]) }; myOwn()`,
    message: 'trainStep: y: expected shape [batch,1]; got [1,2]',
    frame: 'Model.trainStep',
    source: 'model/model.ts',
    line: 'this.wholeStep(',
  },
  'fit, awaited': {
    code: `${model}; async function myOwn() { await model.fit([[1, 2]], [[1, 2]]) }; await myOwn()`,
    message: 'fit: y: expected shape [batch,1]; got [1,2]',
    frame: 'Model.fit',
    source: 'model/model.ts',
    line: 'readSources(',
  },
  'fit, a rejection nobody handles': {
    code: `${model}; function myOwn() { model.fit([[1, 2]], [[1, 2]]) }; myOwn()`,
    message: 'fit: y: expected shape [batch,1]; got [1,2]',
    frame: 'Model.fit',
    source: 'model/model.ts',
    line: 'readSources(',
  },
  'a callback': {
    code: `${model}; const myOwn = () => { dense({ units: 0 }) }
      await model.fit([[1, 2]], [[1]], { callbacks: { onEpochEnd: myOwn } })`,
    message: 'dense: units must be a positive integer; got 0',
    frame: 'dense',
    source: 'layers/core.ts',
    line: 'makeLayer(denseKind',
  },
  'a worker': {
    code: `import { Worker } from 'node:worker_threads'
      const text = "import { dense } from 'lanegrad'; function myOwn() { dense({ units: 0 }) }; myOwn()"
      writeFileSync(new URL('in-worker.mjs', import.meta.url), text)
      new Worker(new URL('in-worker.mjs', import.meta.url))`,
    message: 'dense: units must be a positive integer; got 0',
    frame: 'dense',
    source: 'layers/core.ts',
    line: 'makeLayer(denseKind',
  },
  'console.error': {
    code: 'function myOwn() { try { dense({ units: 0 }) } catch (error) { console.error(error) } }; myOwn()',
    message: 'dense: units must be a positive integer; got 0',
    frame: 'dense',
    source: 'layers/core.ts',
    line: 'makeLayer(denseKind',
  },
  'a subpath': {
    code: `import { parseCsv } from 'lanegrad/data'; function myOwn() { parseCsv('a,b\\n1') }; myOwn()`,
    message: 'parseCsv: line 2: expected 2 fields; got 1',
    frame: 'parseCsv',
    source: 'data/csv.ts',
    line: 'data.filter(',
  },
}
const begin = `import { writeFileSync } from 'node:fs'
  import { conv2d, dense, flatten, sequential } from 'lanegrad'\n`
const names = Object.keys(programs)
names.forEach((name, i) => {
  writeFileSync(join(folder, `${i}.mjs`), begin + programs[name].code)
})

const flags = ['', '--enable-source-maps']
const isWhole = Boolean(process.env.CI)
if (!isWhole) console.log('uncaught: with and without source maps in turn; CI=1 runs each program both ways')
const versions = runtimes.filter((runtime) => runtime.name.startsWith('node'))

for (const [version, { name, find }] of versions.entries()) {
  const node = find()
  const isAbsent = node ? '' : ' (skipped: not here; npm run test:runtimes -- --install)'
  describe.skipIf(isAbsent)(`${name}${isAbsent}`, () => {
    const cases = names.flatMap((what, i) =>
      flags.filter((_, way) => isWhole || (i + version) % 2 === way).map((flag) => [what, flag] as const),
    )
    test.each(cases)('%s %s: the message, the method, and the line of the caller', (what, flag) => {
      const { message, frame, source, line } = programs[what]
      const args = flag ? [flag, `${names.indexOf(what)}.mjs`] : [`${names.indexOf(what)}.mjs`]
      const { stderr } = spawnSync(node ?? '', args, { cwd: folder, encoding: 'utf8' })
      expect(stderr.length).toBeLessThan(3000)
      const lines = stderr.trimEnd().split('\n')
      for (const { length } of lines) expect(length).toBeLessThan(700)
      // out of a worker, Node brings errors of any class as an Error of that name
      const told = lines.findIndex((line) => /^(LanegradError|Error \[LanegradError\]): /.test(line))
      expect(lines[told], stderr).toContain(`: ${message}`)
      const frames = lines.slice(told + 1).filter((line) => /^\s*at /.test(line))
      expect(frames.length).toBeLessThanOrEqual(16) // of a worker: and those of its event
      expect(stderr).toMatch(new RegExp(`at (async )?${frame.replace('.', '\\.')} \\(`))
      expect(frames.join('\n')).toMatch(/at .*myOwn/)
      if (!flag) return
      const [, at] =
        new RegExp(`at (?:async )?${frame.replace('.', '\\.')} \\(.*/src/${source}:(\\d+):`).exec(stderr) ??
        []
      const text = readFileSync(join(root, 'src', source), 'utf8').split('\n')
      expect(text[Number(at) - 1], stderr).toContain(line)
    })
  })
}
