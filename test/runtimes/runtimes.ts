// The runtimes: where each is found, how it is got, how it runs the suite. Enters: what is installed on this machine.
// Leaves: reports. npm packages are looked for in a cache folder of the user's, then programs on the PATH.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { makeFolder, removeFolder } from './folders.ts'
import { output, start } from './processes.ts'
import { servePages } from './server.ts'
import type { Report } from './suite.ts'
import { serve } from './workerd.ts'

export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lanegrad-runtimes')

/** Folders of test/runtimes with a package.json (npm), or Debian packages (apt). */
export type Source = { readonly npm: '.' | 'nodes' } | { readonly apt: readonly string[] }

export interface Job {
  /** The folder that stage.ts has made. */
  readonly folder: string
  readonly limitMs: number
}

export interface Runtime {
  readonly name: string
  readonly source: Source
  /** Its program, or undefined. */
  find(): string | undefined
  run(program: string, job: Job): Promise<Report>
}

const firstThatExists = (paths: readonly string[]): string | undefined =>
  paths.find((path) => existsSync(path))

/** What the names of programs end with. */
const ENDS = process.platform === 'win32' ? ['.exe'] : ['']

const onPath = (...names: string[]): string | undefined =>
  firstThatExists(
    names.flatMap((name) =>
      (process.env.PATH ?? '').split(delimiter).flatMap((dir) => ENDS.map((end) => join(dir, name + end))),
    ),
  )

/** `file` of the cached package for this platform, whose name starts with `prefix`. */
function cached(scope: string, prefix: string, file: string): string | undefined {
  const folder = join(CACHE, 'node_modules', scope)
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(prefix)) : []
  return firstThatExists(names.map((name) => join(folder, name, file)))
}

/** What each runtime answers with. @throws Error with what went wrong there */
function reportOf(text: string): Report {
  const { error, ...report } = JSON.parse(text)
  if (error !== undefined) throw new Error(error)
  return report
}

const script =
  (...args: string[]) =>
  async (program: string, { folder, limitMs }: Job): Promise<Report> =>
    reportOf(await output(program, [...args, join(folder, 'script.js'), join(folder, 'cases.json')], limitMs))

const node = (major: number): Runtime => ({
  name: `node${major}`,
  source: { npm: 'nodes' },
  find: () =>
    process.versions.node.startsWith(`${major}.`)
      ? process.execPath
      : firstThatExists([join(CACHE, `nodes/node_modules/node${major}/bin/node`)]),
  run: script(),
})

/** The modules of the suite's Worker: itself, then the library's two builds by their paths. */
const workerModules = (folder: string): string[] => [
  'worker.js',
  ...['index', 'relaxed', 'threads'].map((name) => `workerd/${name}.js`),
  'index.js',
  ...['wasm', 'workerd/wasm'].flatMap((inner) =>
    readdirSync(join(folder, inner)).map((name) => `${inner}/${name}`),
  ),
]

export const workerd: Runtime = {
  name: 'workerd',
  source: { npm: '.' },
  find: () => cached('@cloudflare', 'workerd-', 'bin/workerd') ?? onPath('workerd'),
  async run(program, { folder, limitMs }) {
    const version = (await output(program, ['--version'], limitMs)).trim().replace('workerd ', '')
    const { url, ended, stop } = await serve(program, folder, workerModules(folder), { limitMs })
    try {
      const answer = fetch(url, { method: 'POST', body: readFileSync(join(folder, 'cases.json')) })
      const text = await Promise.race([answer.then((response) => response.text()), ended])
      return { ...reportOf(text), version }
    } finally {
      await stop()
    }
  },
}

interface Browser {
  readonly name: string
  readonly apt: readonly string[]
  find(): string | undefined
  /** The command that opens `url` with everything it keeps in `profile`, an empty folder. */
  command(program: string, profile: string, url: string): readonly [string, readonly string[]]
  /** Where the page can't tell it. */
  version?(program: string, limitMs: number): Promise<string>
}

/** A browser opens the page; the page posts its result. */
const browser = ({ name, apt, find, command, version }: Browser): Runtime => ({
  name,
  source: { apt },
  find,
  async run(program, { folder, limitMs }) {
    const pages = await servePages(folder)
    const profile = makeFolder('lanegrad-profile-')
    const running = start(...command(program, profile, pages.url), { limitMs, env: { HOME: profile } })
    try {
      const report = reportOf(await Promise.race([pages.result, running.ended]))
      return version ? { ...report, version: await version(program, limitMs) } : report
    } finally {
      await running.stop()
      pages.close()
      removeFolder(profile)
    }
  },
})

const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

const chromium = browser({
  name: 'chromium',
  apt: ['chromium'],
  find: () => onPath('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'),
  command: (program, profile, url) => [program, [...CHROMIUM_FLAGS, `--user-data-dir=${profile}`, url]],
})

const FIREFOX_PREFERENCES = {
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.enabled': false,
}

/** The command that opens `url`; the profile, an empty folder, gets these preferences. */
export function firefoxCommand(
  program: string,
  profile: string,
  url: string,
  preferences: Readonly<Record<string, unknown>> = {},
): [string, readonly string[]] {
  const lines = Object.entries({ ...FIREFOX_PREFERENCES, ...preferences }).map(
    ([key, value]) => `user_pref(${JSON.stringify([key, value]).slice(1, -1)});`,
  )
  writeFileSync(join(profile, 'user.js'), lines.join('\n'))
  return [program, ['--headless', '--no-remote', '--profile', profile, url]]
}

const firefox = browser({
  name: 'firefox',
  apt: ['firefox-esr'],
  find: () => onPath('firefox-esr', 'firefox'),
  command: firefoxCommand,
})

/** MiniBrowser has no mode without a display. */
const shown = (program: string, args: readonly string[]): [string, readonly string[]] =>
  process.env.DISPLAY || process.env.WAYLAND_DISPLAY
    ? [program, args]
    : ['xvfb-run', ['-a', program, ...args]]

const webkit = browser({
  name: 'webkit',
  apt: ['webkit2gtk-driver', 'xvfb', 'xauth'],
  find() {
    const folders = existsSync('/usr/lib')
      ? readdirSync('/usr/lib').filter((name) => name.endsWith('-linux-gnu'))
      : []
    const found = firstThatExists(
      folders.flatMap((name) =>
        ['4.1', '4.0'].map((api) => `/usr/lib/${name}/webkit2gtk-${api}/MiniBrowser`),
      ),
    )
    return process.env.DISPLAY || process.env.WAYLAND_DISPLAY || onPath('xvfb-run') ? found : undefined
  },
  command: (program, _, url) => shown(program, [url]),
  version: async (program, limitMs) =>
    (await output(...shown(program, ['--version']), limitMs)).trim().replace('WebKitGTK ', ''),
})

export const runtimes: readonly Runtime[] = [
  ...[20, 22, 24, 26].map(node),
  {
    name: 'deno',
    source: { npm: '.' },
    find: () => cached('@deno', '', 'deno') ?? onPath('deno'),
    run: script('run', '--no-config', '--no-prompt', '--allow-read'),
  },
  {
    name: 'bun',
    source: { npm: '.' },
    find: () => cached('@oven', 'bun-', 'bin/bun') ?? onPath('bun'),
    run: script('run'),
  },
  workerd,
  chromium,
  firefox,
  webkit,
]
