// The tools of this folder, and a project to use them in. Enters: what `npm run test:package` has installed here.
// Leaves: a folder within this one, so that every tool finds its own packages, with the packed library installed and
// the program learns.mjs; what a tool prints. In CI a tool that isn't here is a fault, elsewhere a reason to skip.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { install, type Project, root } from '../support/installed.ts'

export const folder = join(root, 'test/tools')
const modules = join(folder, 'node_modules')

/** '', or why tests that need this are skipped, which is printed. @throws Error in CI */
export function lack(isHere: boolean, what: string): string {
  if (isHere) return ''
  if (process.env.CI) throw new Error(`not here, and CI leaves nothing out: ${what}`)
  console.log(`skipped, not here: ${what}`)
  return ` (skipped, not here: ${what})`
}

export const lackOfTools = (): string => lack(existsSync(modules), 'npm run test:package installs the tools')

/** The path of a file of the tools' packages. */
export const toolPath = (path: string): string => join(modules, path)

/** A package of the tools, as import gives it; its default export where that is all. */
export async function tool(name: string) {
  const path = createRequire(join(folder, 'package.json')).resolve(name)
  const module = await import(pathToFileURL(path).href)
  const names = Object.keys(module).filter(
    (key) => !['default', 'module.exports', '__esModule'].includes(key),
  )
  return module.default && names.length === 0 ? module.default : module
}

/** The version of each tool, by its name in package.json. */
export const versions: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(join(folder, 'package.json'), 'utf8'),
).devDependencies

export interface RunOptions {
  readonly cwd: string
  /** Default 100 s. */
  readonly limitMs?: number
  readonly env?: Readonly<Record<string, string>>
}

/** Lines of a sensible length, no minified code. */
const readable = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.length < 500)
    .slice(-80)
    .join('\n')

/** A shell's environment: this runner's own variables would make tools take other ways. */
export const environment = (): Record<string, string> =>
  Object.fromEntries(['PATH', 'HOME', 'TMPDIR', 'CI'].map((name) => [name, process.env[name] ?? '']))

/** What a program prints on both streams. @throws Error with it where the program fails */
export function printedBy(
  program: string,
  args: readonly string[],
  { cwd, env, limitMs = 100_000 }: RunOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = { cwd, env: { ...environment(), ...env }, timeout: limitMs, maxBuffer: 1 << 26 }
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error)
        reject(
          new Error(
            `${program} ${args.join(' ')} (${error.signal ?? error.code})\n${readable(stdout + stderr)}`,
          ),
        )
      else resolve(stdout + stderr)
    })
  })
}

/** The line of learns.mjs. */
export const learntIn = (text: string): string | undefined =>
  /learnt [0-9a-f]+; simd(?:, \d threads)?/.exec(text)?.[0]

export interface ToolProject extends Project {
  /** What learns.mjs gives in Node. */
  readonly expected: string
}

const program = readFileSync(join(folder, 'learns.mjs'))

/** Writes learns.mjs beside the files of one tool. */
export function writeProgram(
  project: Project,
  into = '.',
  files: Readonly<Record<string, string>> = {},
): string {
  project.write(join(into, 'learns.mjs'), program)
  for (const [name, text] of Object.entries(files)) project.write(join(into, name), text)
  return join(project.folder, into)
}

export function installProject(): ToolProject {
  const project = install(join(folder, 'build'))
  project.write('tsconfig.json', '{}') // the library's own further up is not the project's
  writeProgram(project)
  const expected = project.node(
    '-e',
    "import('./learns.mjs').then(async ({ learns }) => console.log(await learns()))",
  )
  return { ...project, expected: expected.trim() }
}
