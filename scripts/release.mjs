// `npm run release -- patch` (or minor, major, a version), with `--dry-run` to change nothing: raises the version, gives the changelog's
// Unreleased section that version and the day, checks, builds and packs, then commits and tags. Pushing is left to you;
// the tag publishes it (.github/workflows/release.yml). Where a step fails, and after a dry run, all files are as they were.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { npmCommand } from './npm.mjs'

const BRANCH = 'main'
const FOLDER = 'build/release'
const TOOLS = 'test/tools/node_modules'
const VERSION = /^\d+\.\d+\.\d+$/

/**
 * The version after `version`: `kind` is patch, minor, major, or a later version itself; or `version`, if it has never been released.
 * @throws Error on anything else
 */
export function nextVersion(version, kind, isReleased = true) {
  const numbers = version.split('.').map(Number)
  const at = ['major', 'minor', 'patch'].indexOf(kind)
  if (at >= 0) return numbers.map((n, i) => (i < at ? n : i === at ? n + 1 : 0)).join('.')
  if (!VERSION.test(kind))
    throw new Error(`expected patch, minor, major or a version like 1.2.3; got ${kind}`)
  if (kind === version && !isReleased) return kind
  const wanted = kind.split('.').map(Number)
  const first = wanted.findIndex((n, i) => n !== numbers[i])
  if (first < 0 || wanted[first] < numbers[first]) throw new Error(`${kind} doesn't come after ${version}`)
  return kind
}

/** A changelog whose Unreleased section has become that of `version`. @throws Error where there is nothing to release */
export function releasedChangelog(text, version, day) {
  const [head, rest] = text.split(/^## \[Unreleased\]\n/m)
  if (rest === undefined) throw new Error('CHANGELOG.md has no section [Unreleased]')
  const [changes] = rest.split(/^## \[/m)
  if (!/^- /m.test(changes)) throw new Error('CHANGELOG.md: nothing stands under [Unreleased]')
  if (text.includes(`## [${version}]`)) throw new Error(`CHANGELOG.md has a section [${version}] already`)
  return `${head}## [Unreleased]\n\n## [${version}] - ${day}\n${rest}`
}

/** What each file becomes, by its path. */
function changedFiles(version) {
  const read = (path) => readFileSync(path, 'utf8')
  const { version: before } = JSON.parse(read('package.json'))
  const manifest = read('package.json').replace(`"version": "${before}"`, `"version": "${version}"`)
  const lock = JSON.parse(read('package-lock.json'))
  lock.version = version
  lock.packages[''].version = version
  const day = new Date().toISOString().slice(0, 10)
  return {
    'package.json': manifest,
    'package-lock.json': `${JSON.stringify(lock, null, 2)}\n`,
    'CHANGELOG.md': releasedChangelog(read('CHANGELOG.md'), version, day),
    'python/pyproject.toml': read('python/pyproject.toml').replace(
      `version = "${before}"`,
      `version = "${version}"`,
    ),
    'README.md': read('README.md').replaceAll(`lanegrad-${before}.tgz`, `lanegrad-${version}.tgz`),
  }
}

const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim()

/** @throws Error where the command fails */
function run(program, args, shown) {
  console.log(`$ ${shown}`)
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (error || status !== 0) throw new Error(`${shown} failed${error ? `: ${error.message}` : ''}`)
}
const npm = (...args) => run(...npmCommand(args), `npm ${args.join(' ')}`)

/** Packs what is built; publint and "are the types wrong" look at it where `npm run test:package` has installed them. */
function pack(version) {
  mkdirSync(FOLDER, { recursive: true })
  npm('pack', '--silent', '--ignore-scripts', '--pack-destination', FOLDER)
  const tarball = join(FOLDER, `lanegrad-${version}.tgz`)
  const tools = {
    publint: ['publint/src/cli.js', '--strict', tarball],
    attw: ['@arethetypeswrong/cli/dist/index.js', tarball, '--profile', 'esm-only'],
  }
  for (const [name, [script, ...args]] of Object.entries(tools)) {
    const file = join(TOOLS, script)
    if (existsSync(file)) run(process.execPath, [file, ...args], `${name} ${args.join(' ')}`)
    else console.log(`${name} is not here and isn't asked: npm run test:package installs it`)
  }
  return tarball
}

function release(kind, isDry) {
  const complaints = [
    ...(git('status', '--porcelain') ? ['there are changes that are not committed'] : []),
    ...(git('branch', '--show-current') === BRANCH ? [] : [`this is not the branch ${BRANCH}`]),
  ]
  if (complaints.length > 0 && !isDry) throw new Error(complaints.join('; '))
  for (const complaint of complaints) console.log(`would be refused: ${complaint}`)
  const { version: present } = JSON.parse(readFileSync('package.json', 'utf8'))
  const isReleased = git('tag', '--list', `v${present}`) !== ''
  const version = nextVersion(present, kind, isReleased)
  const tag = `v${version}`
  if (git('tag', '--list', tag)) throw new Error(`there is a tag ${tag} already`)
  console.log(`${present}${isReleased ? '' : ' (never released)'} -> ${version}`)

  npm('run', 'check')
  npm('run', 'build')
  const files = changedFiles(version)
  const before = Object.fromEntries(Object.keys(files).map((path) => [path, readFileSync(path)]))
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {}) // the command ends by it, and the files are put back
  let isDone = false
  try {
    for (const [path, text] of Object.entries(files)) writeFileSync(path, text)
    const tarball = pack(version)
    if (isDry)
      return console.log(`would commit ${Object.keys(files).join(', ')} and tag ${tag}; packed ${tarball}`)
    git('commit', '--quiet', '-m', `Version ${version}`, '--', ...Object.keys(files))
    isDone = true
    git('tag', '--annotate', tag, '-m', `Version ${version}`)
    console.log(`tagged ${tag}; to publish it: git push --follow-tags origin ${BRANCH}`)
  } finally {
    if (!isDone) for (const [path, bytes] of Object.entries(before)) writeFileSync(path, bytes)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = process.argv.slice(2)
  const [kind, ...more] = args.filter((arg) => arg !== '--dry-run')
  if (kind === undefined || more.length > 0) {
    console.error('usage: npm run release -- patch|minor|major|VERSION [--dry-run]')
    process.exit(2)
  }
  try {
    release(kind, args.includes('--dry-run'))
  } catch (error) {
    console.error(`release: ${error.message}`)
    process.exitCode = 1
  }
}
