// Nothing depends on POSIX paths or shells: what makes paths, under the rules of Windows; the commands of every package.json, and
// the sources that run on a contributor's machine, without what Windows lacks; file names that it can hold.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import posix from 'node:path/posix'
import win32 from 'node:path/win32'
import { describe, expect, test } from 'vitest'
import { npmCommand } from '../../scripts/npm.mjs'
import { requestedFile, slashes, urlPath } from '../../scripts/paths.mjs'
import { root } from '../support/installed.ts'

describe('paths', () => {
  test('become those of URLs and imports', () => {
    expect(slashes('src\\model\\fit.ts', win32)).toBe('src/model/fit.ts')
    expect(slashes('an\\odd/name', posix)).toBe('an\\odd/name') // there a backslash is a letter
    for (const path of [win32, posix]) {
      expect(urlPath(path.join('dist', 'run'), path.join('dist', 'wasm', 'core.js'), path)).toBe(
        '../wasm/core.js',
      )
      expect(urlPath('dist', path.join('dist', 'index.js'), path)).toBe('index.js')
    }
  })

  test.each([
    ['/', 'C:\\site\\index.html', '/site/index.html'],
    ['/guides/a%20b.html?x#y', 'C:\\site\\guides\\a b.html', '/site/guides/a b.html'],
    ['/guides/', 'C:\\site\\guides\\index.html', '/site/guides/index.html'],
    ['/../secret', 'C:\\site\\secret', '/site/secret'], // a URL has no way up
    ['/..%5c..%5csecret', null, '/site/..\\..\\secret'],
    ['/%2e%2e%2fsecret', null, null],
    ['/..%2f..%2fsite2/x', null, null],
    ['/a%00b', null, null],
    ['/%', null, null],
  ])('a server gives no file outside its folder: %s', (address, onWindows, elsewhere) => {
    expect(requestedFile('C:\\site', address, win32)).toBe(onWindows)
    expect(requestedFile('/site', address, posix)).toBe(elsewhere)
  })

  test('npm is started without a shell', () => {
    const program = 'C:\\Program Files\\nodejs\\node.exe'
    const script = 'C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npm-cli.js'
    const windows = { execPath: program, path: win32, exists: (file: string) => file === script }
    expect(npmCommand(['run', 'a b'], { ...windows, env: {} })).toEqual([program, [script, 'run', 'a b']])
    expect(npmCommand(['ci'], { ...windows, env: { npm_execpath: script } })).toEqual([
      program,
      [script, 'ci'],
    ])
    const unix = {
      execPath: '/usr/bin/node',
      path: posix,
      exists: (file: string) => file === '/usr/lib/node_modules/npm/bin/npm-cli.js',
    }
    const own = ['/usr/bin/node', ['/usr/lib/node_modules/npm/bin/npm-cli.js', 'ci']]
    expect(npmCommand(['ci'], { ...unix, env: { npm_execpath: '/opt/pnpm.cjs' } })).toEqual(own)
    expect(npmCommand(['ci'], { ...unix, env: {}, exists: () => false })).toEqual(['npm', ['ci']])
  })
})

const OTHERS = /^(?:node_modules|build|dist|\.git)$/

/** The project's files, from its root, with slashes. */
const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (OTHERS.test(entry.name)) return []
    return entry.isDirectory() ? filesIn(path) : [path]
  })
const files = filesIn('')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** What a command of a package.json must not have, and what to do instead. */
const COMMANDS: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/(^|&& *)(rm|cp|mv|mkdir|cat|sh|bash|touch|export|sed|find|chmod|ln|test) /, 'a script in Node'],
  [/(^|&& *)[A-Z_]+=/, 'an argument, or the environment set in Node'],
  [/'/, 'double quotes: cmd.exe keeps single ones'],
  [/\.bin\//, "the package's script, run by node"],
  [/(^|&& *)\.{0,2}\/|\.sh\b/, 'node and the path of a script'],
  [/[;|`$]|\/dev\/|[^&]&([^&]|$)/, 'a script in Node'],
]
const commandFaults = (command: string) =>
  COMMANDS.filter(([pattern]) => pattern.test(command)).map(([, why]) => `${command} -> ${why}`)

/** What a source must not have, and what to do instead. */
const SOURCES: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/import\.meta\.url\)?[^\n]{0,20}\.pathname|new URL\((?!.*http)[^\n]*\)\.pathname/, 'fileURLToPath'],
  [/`file:\/\/\$\{/, 'pathToFileURL'],
  [/\bimport\((?:join|resolve|path\.)/, 'pathToFileURL(...).href'],
  [
    /\b(?:spawn|spawnSync|execFile|execFileSync|run)\(\s*['"](?:npm|npx|yarn|pnpm|tsc|vitest|esbuild|typedoc)['"]/,
    'npmCommand',
  ],
  [
    /\b(?:spawn|spawnSync|execFile|execFileSync)\(\s*['"](?:sh|bash|rm|cp|mv|ls|which|cat|mkfifo|touch|tar|gzip|node)['"]/,
    'Node',
  ],
  [/\bexec(?:Sync)?\(\s*['"`]|shell: true/, 'spawn without a shell'],
  [/['"]\/tmp\b/, 'tmpdir()'],
  [/process\.env\.(?:HOME|USER)\b|process\.env\.PATH[^\n]*split\(':'\)/, 'homedir(), delimiter'],
  [/process\.kill\(-/, 'taskkill on Windows'],
]
/** The same of sources in Python. */
const PYTHON: typeof SOURCES = [
  [
    /\bos\.(?:fork|kill|killpg|setsid|getuid|geteuid|chown|mkfifo)\(|\bimport (?:fcntl|pwd|resource|termios)\b/,
    'subprocess',
  ],
  [/\bsignal\.SIG(?!INT\b|TERM\b|NALS\b)[A-Z]+/, 'SIGINT, SIGTERM'],
  [/shell=True|os\.system\(|set_start_method\(["']fork/, 'subprocess without a shell'],
  [
    /\b(?:open|write_text|read_text)\((?!.*(?:encoding|["'][rwax]?b["']))[^)\n]*\)/,
    'encoding="utf-8": Windows has another',
  ],
  [/["']\/dev\//, 'os.devnull'],
]
/** Lines that have such a thing where Windows never comes. */
const GUARDED = [/isWindows|isPosix|win32/]

function sourceFaults(path: string, text: string): string[] {
  if (/\bskipIf\(!isPosix\)/.test(text)) return [] // such a file says which of its tests are POSIX's
  const patterns = path.endsWith('.py') ? PYTHON : SOURCES
  if (!patterns.some(([pattern]) => pattern.test(text))) return []
  return text.split('\n').flatMap((line, i, lines) => {
    if (GUARDED.some((guard) => guard.test(line) || guard.test(lines[i - 1] ?? ''))) return []
    return patterns
      .filter(([pattern]) => pattern.test(line))
      .map(([, why]) => `${path}:${i + 1}: ${line.trim()} -> ${why}`)
  })
}

test('the patterns find what they are for', () => {
  for (const command of [
    'rm -rf dist',
    'CI=1 vitest',
    "node -e 'x'",
    'docs/node_modules/.bin/typedoc',
    'sh x.sh',
    'a | b',
    'a & b',
    './x',
  ])
    expect(commandFaults(command), command).not.toEqual([])
  for (const line of [
    "new URL('../golden', import.meta.url).pathname",
    'require(new URL(path, folder).pathname)',
    'import(join(folder, name))',
    "execFileSync('npm', ['ci'])",
    "spawnSync('sh', ['-c', 'x'])",
    'execSync(`ls`)',
    "mkdtempSync('/tmp/x')",
    "process.env.PATH.split(':')",
    'process.kill(-child.pid)',
  ])
    expect(sourceFaults('x.ts', line), line).not.toEqual([])
  for (const line of [
    'os.kill(pid, 9)',
    'import fcntl',
    'signal.signal(signal.SIGHUP, end)',
    'os.system("ls")',
    'open(path)',
    'Path(path).write_text(json.dumps(x))',
    'with open(os.path.join(folder, name), "w") as file:',
    'open("/dev/null", "wb")',
  ])
    expect(sourceFaults('x.py', line), line).not.toEqual([])
  for (const line of ['open(path, "rb")', 'open(path, "w", encoding="utf-8")', 'signal.Signals(2)'])
    expect(sourceFaults('x.py', line), line).toEqual([])
  expect(commandFaults('npm run -s build:wasm && node scripts/bundle.mjs --quiet')).toEqual([])
  expect(sourceFaults('x.ts', "new URL(request.url, 'http://local').pathname")).toEqual([])
})

const manifests = files.filter((path) => /(^|\/)package\.json$/.test(path))
test.each(manifests)('the scripts of %s run in any shell', (path) => {
  const { scripts = {} } = JSON.parse(read(path)) as { scripts?: Record<string, string> }
  expect(Object.values(scripts).flatMap(commandFaults)).toEqual([])
})

test('sources that run on a contributor’s machine', () => {
  const ran = files.filter((path) =>
    /^(scripts|examples|bench|src|test|docs)\/.*\.(mjs|js|ts)$|^python\/.*\.py$/.test(path),
  )
  const own = 'test/package/any-system.test.ts'
  expect(ran.length).toBeGreaterThan(200)
  expect(ran.filter((path) => path !== own).flatMap((path) => sourceFaults(path, read(path)))).toEqual([])
})

test('file names that Windows can hold, and no two that differ in case alone', () => {
  const bad = files.filter((path) =>
    path.split('/').some((name) => /[<>:"\\|?*]|[ .]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name)),
  )
  expect(bad).toEqual([])
  expect(new Set(files.map((path) => path.toLowerCase())).size).toBe(files.length)
  expect(files.filter((path) => path.length > 160)).toEqual([])
})
