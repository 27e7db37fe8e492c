// The package as a user gets it: packed from what is built, installed from the tarball into an empty project.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npmCommand } from '../../scripts/npm.mjs'

export const root = fileURLToPath(new URL('../..', import.meta.url))

const npm = (args: string[], cwd: string): string =>
  execFileSync(...npmCommand([...args, '--ignore-scripts', '--no-audit', '--no-fund', '--offline']), {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })

export interface Project {
  readonly folder: string
  /** Paths of the tarball's files. */
  readonly files: readonly string[]
  write(path: string, text: string | Uint8Array): string
  /** Runs a program there; gives what it printed. */
  run(program: string, ...args: string[]): string
  /** Runs `node <args>` there; gives what it printed. */
  node(...args: string[]): string
  remove(): void
}

interface Packed {
  readonly folder: string
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}
let packed: Packed | null = null

/** The tarball, made once in this process, which removes it at its end. */
function pack(): Packed {
  if (packed) return packed
  const folder = mkdtempSync(join(tmpdir(), 'lanegrad-tarball-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const [made] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], root))
  packed = { folder, filename: made.filename, files: made.files }
  return packed
}

/** `npm init -y && npm install ./lanegrad-*.tgz` in a new folder of `parent`. */
export function install(parent = tmpdir()): Project {
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'lanegrad-package-'))
  const { filename, files, ...tarball } = pack()
  copyFileSync(join(tarball.folder, filename), join(folder, filename))
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "version": "1.0.0", "private": true }')
  npm(['install', `./${filename}`], folder)
  const run = (program: string, ...args: string[]): string => {
    const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1' }
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', env })
    const lines = stderr?.split('\n').filter((line) => line.length < 500) ?? [] // no minified code
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${lines.join('\n')}`)
    return stdout
  }
  return {
    folder,
    files: files.map(({ path }) => path).sort(),
    write(path, text) {
      const file = join(folder, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
      return file
    },
    run,
    node: (...args) => run(process.execPath, ...args),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The blocks of the README in a language, or with a name behind it, in its order. */
export const readmeBlocks = (language: string): string[] =>
  readFileSync(join(root, 'README.md'), 'utf8')
    .split(`\`\`\`${language}\n`)
    .slice(1)
    .map((text) => text.split('```')[0])

/** The JavaScript programs of the README, in its order. */
export const readmePrograms = (): string[] => readmeBlocks('js')

/** What XOR's program prints, as numbers. */
export const numbersIn = (printed: string): number[] =>
  [...printed.replace(/Float32Array\(\d+\)/, '').matchAll(/-?\d+\.?\d*(?:e-?\d+)?/g)].map(([text]) =>
    Number(text),
  )

/** Whether four numbers are close to 0, 1, 1, 0. */
export const isXor = (p: readonly number[]): boolean =>
  p.length === 4 && p[0] < 0.2 && p[1] > 0.8 && p[2] > 0.8 && p[3] < 0.2
