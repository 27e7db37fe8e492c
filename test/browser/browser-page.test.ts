// What only a page has: models in IndexedDB, as downloads and chosen files, and drawings that follow a training. Chromium runs the built
// library. Needs Chromium on the PATH (or its path in CHROMIUM) and playwright-core, and `npm run build`. A full disk is a quota
// that Chromium is told; a page without IndexedDB is a sandboxed frame.
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { INSIDE } from './sandboxed.ts'

const places = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
const executablePath = [process.env.CHROMIUM ?? '', ...places].find((path) => path && existsSync(path))
const playwright = await import('playwright-core').catch(() => null)
const missing = !process.env.CI
  ? 'it takes some seconds, and runs with CI set'
  : !executablePath
    ? 'no Chromium on the PATH'
    : playwright
      ? ''
      : 'no playwright-core'
if (missing) console.log(`browser-page.test.ts is skipped: ${missing}`)

const PAGE = `<!doctype html><html lang="en"><title>page</title><body><main></main><script type="module">
  import * as lanegrad from '/index.js'
  import * as browser from '/browser.js'
  import * as plot from '/plot.js'
  const net = (units = 3) => {
    const model = lanegrad.sequential({ inputShape: [2], layers: [lanegrad.dense({ units, name: 'out' })], seed: 7 })
    return model.compile({ optimizer: 'adam', loss: 'mse' })
  }
  const x = new Float32Array(64).map((_, i) => (i % 7) / 7)
  const y = new Float32Array(96).map((_, i) => (i % 5) / 5)
  const messageOf = (call) => Promise.resolve().then(call).then(() => 'none', (error) => error.name + ': ' + error.message)
  Object.assign(window, { lanegrad, browser, plot, net, x, y, messageOf, ready: true })
</script>`
const FRAME = `<!doctype html><title>frame</title><iframe sandbox="allow-scripts" src="/inside"></iframe>
<script>addEventListener('message', ({ data }) => { window.told = data })</script>`

let server: Server
let browser: Browser
let page: Page
let base = ''
beforeAll(async () => {
  if (missing || !playwright) return
  server = createServer(({ url = '/' }, response) => {
    const isScript = url.endsWith('.js')
    response.writeHead(200, {
      'content-type': isScript ? 'text/javascript' : 'text/html',
      'access-control-allow-origin': '*', // a sandboxed frame is of no origin
    })
    const text = url === '/frame' ? FRAME : url === '/inside' ? INSIDE : PAGE
    response.end(isScript ? readFileSync(new URL(`../../dist${url}`, import.meta.url)) : text)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const args =
    '--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --no-first-run'
  browser = await playwright.chromium.launch({ executablePath, args: args.split(' ') })
  page = await browser.newPage()
  await page.goto(base)
  await page.waitForFunction('window.ready')
}, 60_000)
afterAll(async () => {
  await browser?.close()
  server?.close()
})

const run = <T>(script: string): Promise<T> => page.evaluate(`(async () => { ${script} })()`) as Promise<T>

describe.skipIf(missing)('models in IndexedDB', () => {
  test('go on bit for bit, in another visit too', async () => {
    await run(`const model = net(); await model.fit(x, y, { epochs: 2 }); await browser.saveTo(model, 'indexeddb://mine')
      await model.fit(x, y); window.name = String([...model.save({ includeOptimizer: true })])`)
    await page.reload()
    await page.waitForFunction('window.ready')
    const isSame = await run(`const again = await browser.loadFrom('indexeddb://mine'); await again.fit(x, y)
      return String([...again.save({ includeOptimizer: true })]) === window.name`)
    expect(isSame).toBe(true)
  })

  test('are listed, replaced and removed', async () => {
    const [listed, bytes, removed, left] = await run<[string[], number[], boolean[], number]>(`
      await browser.saveTo(net(1), 'indexeddb://a b/c'); await browser.saveTo(net(50), 'indexeddb://a b/c')
      const saved = await browser.listSaved()
      const removed = [await browser.removeSaved('indexeddb://a b/c'), await browser.removeSaved('indexeddb://a b/c')]
      return [saved.map(({ name }) => name), saved.map(({ bytes }) => bytes), removed, (await browser.listSaved()).length]`)
    expect(listed).toEqual(['a b/c', 'mine'])
    expect(bytes[0]).toBeGreaterThan(bytes[1])
    expect([removed, left]).toEqual([[true, false], 1])
  })

  test('what is wrong is named', async () => {
    const messages = await run<string[]>(`return Promise.all([
      () => browser.loadFrom('indexeddb://other'),
      () => browser.saveTo(net(), 'localstorage://a'),
      () => browser.saveTo({}, 'indexeddb://a'),
      () => browser.removeSaved('indexeddb://'),
    ].map(messageOf))`)
    expect(messages).toEqual([
      'LanegradError: loadFrom: nothing is kept under "other"; kept are "mine"',
      `LanegradError: saveTo: address must be 'indexeddb://' and a name; got "localstorage://a"`,
      expect.stringMatching(/^LanegradError: saveTo: model/),
      `LanegradError: removeSaved: address must be 'indexeddb://' and a name; got "indexeddb://"`,
    ])
  })

  test('a full disk: the message says what could go, and what was kept stays', async () => {
    // an origin that has used nothing yet: Chromium remembers for a while how much room there is
    const origin = base.replace('127.0.0.1', 'localhost')
    const full = await browser.newPage()
    const session = await full.context().newCDPSession(full)
    await full.goto(origin)
    await full.waitForFunction('window.ready')
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 100_000 })
    const [other, same, kept] = (await full.evaluate(`(async () => {
      const big = lanegrad.sequential({ inputShape: [1000], layers: [lanegrad.dense({ units: 1000 })] })
      await browser.saveTo(net(), 'indexeddb://mine')
      const other = await messageOf(() => browser.saveTo(big, 'indexeddb://big'))
      const same = await messageOf(() => browser.saveTo(big, 'indexeddb://mine'))
      return [other, same, (await browser.loadFrom('indexeddb://mine')).countParams()]
    })()`)) as [string, string, number]
    await full.close()
    expect(other).toMatch(
      /^LanegradError: saveTo: the browser gives this page no room for "big" \(\d+ KB\); removeSaved makes room; kept are "mine" \(\d+ KB\); or download\(model\)$/,
    )
    expect(same).toMatch(/no room for "mine" \(\d+ KB\); free some of the disk; or download\(model\)$/)
    expect(kept).toBe(9)
  })

  test('a page that can keep nothing is told so', async () => {
    const other = await browser.newPage()
    await other.goto(`${base}/frame`)
    await other.waitForFunction('window.told')
    const told = (await other.evaluate('window.told')) as string[]
    await other.close()
    for (const [i, name] of ['saveTo', 'loadFrom'].entries())
      expect(told[i]).toMatch(
        RegExp(
          `^LanegradError: ${name}: this page can't keep anything in IndexedDB .*; download\\(model\\) saves it as a file$`,
        ),
      )
  })
})

describe.skipIf(missing)("a visitor's files", () => {
  test('a download comes back by upload', async () => {
    await run(`const main = document.querySelector('main')
      main.innerHTML = '<button>save</button><button>open</button>'
      const [save, open] = main.querySelectorAll('button')
      const model = net(); window.kept = String([...model.save()])
      save.onclick = () => browser.download(model, 'mine.safetensors')
      open.onclick = async () => { window.opened = await browser.upload().then((model) => String([...model.save()]), (error) => error.message) }`)
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=save')])
    expect(download.suggestedFilename()).toBe('mine.safetensors')
    const path = await download.path()
    const choose = async (file: string | { name: string; mimeType: string; buffer: Buffer }) => {
      await run('window.opened = null')
      const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.click('text=open')])
      await chooser.setFiles(file)
      await page.waitForFunction('window.opened')
      return run<string>('return window.opened')
    }
    expect(await choose(path)).toBe(await run('return window.kept'))
    const png = { name: 'cat.png', mimeType: 'image/png', buffer: Buffer.from('\x89PNG\r\n', 'latin1') }
    expect(await choose(png)).toBe('loadBlob: cat.png: it looks like a page or a picture')
  })
})

describe.skipIf(missing)('drawings that follow a training', () => {
  test('curves and a bar, named for screen readers', async () => {
    await run(`document.querySelector('main').innerHTML = '<div id="plot"></div><p id="bar"></p>'
      const { livePlot, progress } = plot
      const callbacks = [livePlot(document.querySelector('#plot')), progress(document.querySelector('#bar'))]
      await net().fit(x, y, { epochs: 4, validationSplit: 0.25, callbacks })`)
    const image = page.getByRole('img')
    expect(await image.getAttribute('aria-label')).toMatch(
      /^loss from .* to .*, val_loss from .*, over 4 epochs$/,
    )
    const { width, height } = (await image.boundingBox()) ?? { width: 0, height: 0 }
    expect([width, height]).toEqual([480, 200])
    const bar = page.getByRole('progressbar', { name: 'epoch 4/4' })
    expect(await bar.getAttribute('value')).toBe('1')
    expect(await page.locator('#bar span').textContent()).toMatch(/^epoch 4\/4 {2}.*loss .* val_loss /)
  })

  test('progress of evaluate makes its own element', async () => {
    await run(`await net().evaluate(x, y, { verbose: plot.progress() })`)
    expect(await page.locator('body > div span').textContent()).toMatch(/^evaluate.* loss /)
  })

  test('an element that is missing is named', async () => {
    const message = await run<string>(
      `return messageOf(() => plot.livePlot(document.querySelector('#none')))`,
    )
    expect(message).toMatch(/^LanegradError: livePlot: element must be an element of the page .*; got null$/)
  })
})
