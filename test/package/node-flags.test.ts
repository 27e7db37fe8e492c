// The installed package in Node under flags that take something away: files, workers, what globals can be changed. In
// each a program makes, trains, saves and loads a net. The Nodes are those that `npm run test:runtimes` finds.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runtimes } from '../runtimes/runtimes.ts'
import { installProject, lack, learntIn, printedBy, type ToolProject } from '../tools/tools.ts'

let project: ToolProject
let cwd: string
beforeAll(() => {
  project = installProject()
  cwd = project.folder
  project.write('main.mjs', "import { learns } from './learns.mjs'\nconsole.log(await learns())")
  project.write(
    'threads.mjs',
    "import { workers } from 'lanegrad/threads'\nimport { learns } from './learns.mjs'\nconsole.log(await learns({ threads: workers(2) }))",
  )
}, 120_000)
afterAll(() => project?.remove())

const nodes = runtimes.flatMap((runtime) => {
  const major = Number(/^node(\d+)$/.exec(runtime.name)?.[1])
  return major ? [{ ...runtime, major }] : []
})

for (const { name, major, find } of nodes) {
  const program = find()
  const lacking = lack(program !== undefined, `${name}: npm run test:runtimes -- --install ${name}`)
  const run = (...args: string[]) =>
    printedBy(program ?? '', [...(major === 20 ? [] : ['--disable-warning=ExperimentalWarning']), ...args], {
      cwd,
    })
  const permission = major < 22 ? '--experimental-permission' : '--permission'
  const limited = [permission, '--allow-fs-read=*']

  describe.skipIf(lacking)(`${name}${lacking}`, () => {
    test(permission, async () => {
      expect(learntIn(await run(...limited, 'main.mjs'))).toBe(project.expected)
    })

    test(`${permission}, threads: workers(2)`, async () => {
      const printed = await run(...limited, 'threads.mjs')
      expect(learntIn(printed)).toBe(project.expected) // one thread, and `variant` says so
      expect(printed).toMatch(/threads: .*Access to this API has been restricted/) // the true reason
    })

    test(`${permission} --allow-worker, threads: workers(2)`, async () => {
      const printed = await run(...limited, '--allow-worker', 'threads.mjs')
      expect(learntIn(printed)).toBe(`${project.expected}, 2 threads`)
      expect(printed).not.toContain('threads:')
    })

    test('--frozen-intrinsics', async () => {
      expect(learntIn(await run('--frozen-intrinsics', 'main.mjs'))).toBe(project.expected)
      expect(learntIn(await run('--frozen-intrinsics', 'threads.mjs'))).toBe(`${project.expected}, 2 threads`)
    })

    test('--disallow-code-generation-from-strings --disable-proto=throw', async () => {
      const flags = ['--disallow-code-generation-from-strings', '--disable-proto=throw']
      expect(learntIn(await run(...flags, 'threads.mjs'))).toBe(`${project.expected}, 2 threads`)
    })
  })
}
