// Getting runtimes. Enters: those that are missing. Leaves: the commands that get them, run or to be shown.
// npm's go to a cache folder of the user's, by the lock files beside this one and without install scripts.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { npmCommand } from '../../scripts/npm.mjs'
import { CACHE, type Runtime } from './runtimes.ts'

/** From the project's root, where npm runs its scripts. */
const OWN = 'test/runtimes'

/** The command a user types. */
export const howToGet = ({ name, source }: Runtime): string => {
  if ('apt' in source) return `apt-get install ${source.apt.join(' ')}`
  return process.platform === 'linux' && process.arch === 'x64'
    ? `npm run test:runtimes -- --install ${name}`
    : `put ${name} on the PATH`
}

function run(command: string, args: readonly string[], folder: string): void {
  console.error(`$ ${command} ${args.join(' ')}`)
  const { status, error } = spawnSync(command, args, {
    cwd: folder,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 2, 2],
  })
  if (error || status !== 0) console.error(`${command} failed: ${error?.message ?? `exit code ${status}`}`)
}

/** Gets what it can; what then still isn't there, `find` tells. */
export function install(missing: readonly Runtime[]): void {
  const sources = missing.map(({ source }) => source)
  const packages = sources.flatMap((source) => ('apt' in source ? source.apt : []))
  if (packages.length > 0) {
    if (process.getuid?.() === 0) {
      run('apt-get', ['update', '-qq'], '/')
      run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], '/')
    } else console.error(`not root: apt-get install ${packages.join(' ')} is left to you`)
  }
  for (const part of new Set(sources.flatMap((source) => ('npm' in source ? [source.npm] : [])))) {
    const folder = join(CACHE, part)
    mkdirSync(folder, { recursive: true })
    for (const file of ['package.json', 'package-lock.json'])
      copyFileSync(join(OWN, part, file), join(folder, file))
    run(...npmCommand(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']), folder)
  }
}
