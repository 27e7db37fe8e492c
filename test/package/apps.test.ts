// Pages of the README and the guide of workers, built by the bundlers people use without configuration, opened in
// Chromium: the page's net and the worker's learn. A worker that is itself a bundle (target webworker) does the same.
// Needs Chromium on the PATH; playwright-core drives it.
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build as esbuild } from 'esbuild'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runtimes } from '../runtimes/runtimes.ts'
import { isXor, numbersIn, readmeBlocks, readmePrograms, root } from '../support/installed.ts'
import { compile } from '../tools/compile.ts'
import {
  installProject,
  lack,
  lackOfTools,
  printedBy,
  type ToolProject,
  tool,
  toolPath,
  versions,
  writeProgram,
} from '../tools/tools.ts'

const executablePath = runtimes.find(({ name }) => name === 'chromium')?.find()
const lacking = lackOfTools() || lack(executablePath !== undefined, 'chromium')

const [worker, page] = [
  ...readFileSync(join(root, 'docs/guides/worker.md'), 'utf8').matchAll(/```javascript\n(.*?)```/gs),
].map(([, code]) => code)
const html = (script: string) =>
  `<!doctype html><meta charset="utf-8"><title>-</title><script type="module" src="${script}"></script>`
/** The guide's page and worker; the page then tells what its net predicts, and what the program learns. */
const app = {
  'package.json': '{ "name": "app", "private": true }',
  'worker.js': worker,
  'page.js': `import { learns } from './learns.mjs'\n${page}
    document.title = JSON.stringify({ xor: [...net.predict(x).data], line: await learns() })`,
  'index.html': html('./page.js'),
}

/** A worker's own bundle, and the page that starts it. */
const ownWorker = {
  'package.json': '{ "name": "app", "private": true }',
  'entry.js': `import { learns } from './learns.mjs'\nlearns().then(postMessage, (error) => postMessage(String(error)))`,
}
const starter = `<!doctype html><title>-</title><script>
  const worker = new Worker('./main.js')
  worker.onmessage = ({ data }) => { document.title = data }
  worker.onerror = ({ message }) => { document.title = message }
</script>`

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
}

interface Site {
  readonly url: string
  close(): unknown
}

async function serve(folder: string): Promise<Site> {
  const server = createServer(({ url = '' }, response) => {
    const path = new URL(url, 'http://page').pathname
    const file = join(folder, path === '/' ? 'index.html' : path)
    if (!existsSync(file)) return response.writeHead(404).end()
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream')
    response.end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close }
}

/** By bundler: makes a site of the app in `cwd`. */
const bundlers: Readonly<Record<string, (cwd: string, project: ToolProject) => Promise<Site>>> = {
  ...Object.fromEntries(
    (['webpack', '@rspack/core'] as const).map((name) => [
      `${name} ${versions[name]}`,
      async (cwd: string, project: ToolProject) => {
        await compile(name, { context: cwd, entry: './page.js', output: { path: join(cwd, 'dist') } })
        project.write(join(cwd.slice(project.folder.length), 'dist/index.html'), html('./main.js'))
        return serve(join(cwd, 'dist'))
      },
    ]),
  ),
  async [`vite ${versions.vite}`](cwd) {
    const { build } = await tool('vite')
    await build({ root: cwd, configFile: false, logLevel: 'error', build: { target: 'esnext' } })
    return serve(join(cwd, 'dist'))
  },
  async [`vite ${versions.vite}, dev`](cwd) {
    const { createServer } = await tool('vite')
    const server = await createServer({
      root: cwd,
      configFile: false,
      logLevel: 'error',
      server: { port: 0 },
    })
    await server.listen()
    return { url: server.resolvedUrls.local[0], close: () => server.close() }
  },
  async [`parcel ${versions.parcel}`](cwd) {
    const args = [toolPath('parcel/lib/bin.js'), 'build', 'index.html', '--no-cache']
    await printedBy(process.execPath, args, { cwd })
    return serve(join(cwd, 'dist'))
  },
}

describe.skipIf(lacking)(`the installed package${lacking}`, () => {
  let project: ToolProject
  let browser: Browser
  beforeAll(async () => {
    project = installProject()
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    project?.remove()
  })

  /** What the page's program writes into an element, or its first error. */
  async function shownBy({ url, close }: Site, element = 'title'): Promise<string> {
    const page = await browser.newPage()
    try {
      const failed = new Promise<string>((resolve) => page.on('pageerror', (error) => resolve(String(error))))
      await page.goto(url)
      const readText = (selector: string) => {
        const text = document.querySelector(selector)?.textContent
        return text && !['-', 'training ...'].includes(text) && text
      }
      const text = page.waitForFunction(readText, element, { timeout: 60_000 })
      return await Promise.race([text.then((handle) => handle.jsonValue()).then(String), failed])
    } finally {
      await page.close()
      await close()
    }
  }

  test("the README's page and worker, in the folder it was installed in", { timeout: 90_000 }, async () => {
    project.write('index.html', readmeBlocks('html')[0])
    project.write('worker.js', readmeBlocks('javascript worker.js')[0])
    expect(numbersIn(await shownBy(await serve(project.folder), 'output'))).toSatisfy(isXor)
  })

  test('a single HTML file, its module bundled by esbuild', { timeout: 90_000 }, async () => {
    const contents = readmePrograms()[0].replace(/console\.log\((.*)\)/, 'document.title = $1')
    const stdin = { contents, resolveDir: project.folder }
    const options = { bundle: true, minify: true, format: 'esm', charset: 'utf8', write: false } as const
    const { outputFiles } = await esbuild({ stdin, ...options })
    const code = outputFiles[0].text.replaceAll('</script', '<\\/script')
    const head = '<!doctype html><meta charset="utf-8"><title>-</title>'
    const file = project.write('page.html', `${head}<script type="module">${code}</script>`)
    const url = String(pathToFileURL(file))
    expect(numbersIn(await shownBy({ url, close() {} }))).toSatisfy(isXor)
  })

  test.each(Object.keys(bundlers))('%s: a page with a worker', { timeout: 240_000 }, async (name) => {
    const cwd = writeProgram(project, `app-${name.replace(/\W+/g, '-')}`, app)
    const title = await shownBy(await bundlers[name](cwd, project))
    expect(title).toMatch(/^\{/)
    const { xor, line } = JSON.parse(title)
    expect(line).toBe(project.expected)
    expect(xor).toSatisfy(isXor)
  })

  test.each(['webpack', '@rspack/core'] as const)(
    '%s, target webworker',
    { timeout: 240_000 },
    async (name) => {
      const into = `worker-${name.replace(/\W+/g, '-')}`
      const cwd = writeProgram(project, into, ownWorker)
      await compile(name, {
        context: cwd,
        entry: './entry.js',
        target: 'webworker',
        optimization: { minimize: false }, // the pages above are minified
        output: { path: join(cwd, 'dist') },
      })
      project.write(`${into}/dist/index.html`, starter)
      expect(await shownBy(await serve(join(cwd, 'dist')))).toBe(project.expected)
    },
  )
})
