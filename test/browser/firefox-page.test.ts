// What only a page has, in Firefox: models in IndexedDB in two visits, a page that can keep nothing, a download that becomes a file, and a
// chosen file. The page runs itself and posts what came of it: nothing drives Firefox. That no dialog can be answered so is why the
// choice of a file is put into the input by hand; all before and behind it is Firefox's. Needs Firefox on the PATH and `npm run build`.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { load } from '../../src/index.ts'
import { makeFolder, removeFolder } from '../runtimes/folders.ts'
import { start } from '../runtimes/processes.ts'
import { firefoxCommand, runtimes } from '../runtimes/runtimes.ts'
import { INSIDE } from './sandboxed.ts'

const program = runtimes.find(({ name }) => name === 'firefox')?.find()
const missing = !process.env.CI
  ? 'it takes some seconds, and runs with CI set'
  : program === undefined
    ? 'no Firefox on the PATH'
    : ''
if (missing) console.log(`firefox-page.test.ts is skipped: ${missing}`)

const NET = `const net = (units = 3) => {
  const model = sequential({ inputShape: [2], layers: [dense({ units, name: 'out' })], seed: 7 })
  return model.compile({ optimizer: 'adam', loss: 'mse' })
}
const x = new Float32Array(64).map((_, i) => (i % 7) / 7)
const y = new Float32Array(96).map((_, i) => (i % 5) / 5)
const bytesOf = (model) => [...model.save({ includeOptimizer: true })].join()
const messageOf = (call) => Promise.resolve().then(call).then(() => 'none', (error) => error.name + ': ' + error.message)`
const page = (code: string) => `<!doctype html><html lang="en"><title>page</title><body><script type="module">
  import { dense, load, sequential } from '/index.js'
  import * as browser from '/browser.js'
  import * as plot from '/plot.js'
  ${NET}
  try { ${code} } catch (error) { await fetch('/told', { method: 'POST', body: JSON.stringify({ error: String(error?.stack ?? error) }) }) }
</script>`

/** The first visit: keeps a model and what it becomes by more training, then goes on to the second. */
const FIRST = page(`
  const model = net()
  await model.fit(x, y, { epochs: 2 })
  await browser.saveTo(model, 'indexeddb://mine')
  await model.fit(x, y)
  sessionStorage.setItem('after', bytesOf(model))
  location.href = '/second'`)

const SECOND = page(`
  const again = await browser.loadFrom('indexeddb://mine')
  await again.fit(x, y)
  const isSame = bytesOf(again) === sessionStorage.getItem('after')
  await browser.saveTo(net(1), 'indexeddb://a b/c')
  await browser.saveTo(net(50), 'indexeddb://a b/c')
  const listed = await browser.listSaved()
  const removed = [await browser.removeSaved('indexeddb://a b/c'), await browser.removeSaved('indexeddb://a b/c')]
  const messages = await Promise.all([() => browser.loadFrom('indexeddb://other'), () => browser.saveTo({}, 'indexeddb://a')].map(messageOf))
  const told = new Promise((done) => addEventListener('message', ({ data }) => done(data), { once: true }))
  const frame = document.body.appendChild(document.createElement('iframe'))
  frame.setAttribute('sandbox', 'allow-scripts')
  frame.src = '/inside'
  const sandboxed = await told
  // the file that the visitor would choose in the dialog
  const choose = (file) => {
    const own = HTMLInputElement.prototype.click
    HTMLInputElement.prototype.click = function () {
      const transfer = new DataTransfer()
      transfer.items.add(file)
      this.files = transfer.files
      this.dispatchEvent(new Event('change'))
      HTMLInputElement.prototype.click = own
    }
    return browser.upload()
  }
  const chosen = await choose(new File([net().save()], 'mine.safetensors'))
  messages.push(await messageOf(() => choose(new File([Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10)], 'cat.png'))))
  const place = document.body.appendChild(document.createElement('div'))
  await net().fit(x, y, { epochs: 4, callbacks: [plot.livePlot(place)], verbose: plot.progress() })
  const drawn = place.querySelector('svg').getAttribute('aria-label')
  browser.download(net(), 'mine.safetensors')
  const answer = { isSame, listed: listed.map(({ name }) => name), isLarger: listed[0].bytes > listed[1].bytes, removed, messages, sandboxed,
    isChosen: bytesOf(chosen) === bytesOf(load(net().save())), drawn, bar: document.querySelector('progress').value }
  await fetch('/told', { method: 'POST', body: JSON.stringify(answer) })`)
const PAGES: Readonly<Record<string, string>> = { '/': FIRST, '/second': SECOND, '/inside': INSIDE }

/** A server of the pages and of dist/, and what a page tells it. */
async function serve() {
  let settle: (text: string) => void = () => {}
  const told = new Promise<string>((resolve) => {
    settle = resolve
  })
  const server = createServer(async (request, response) => {
    const url = request.url ?? '/'
    if (url === '/told') {
      let text = ''
      for await (const part of request) text += part
      response.end()
      return settle(text)
    }
    const isScript = /^\/\w+\.js$/.test(url)
    response.writeHead(PAGES[url] || isScript ? 200 : 404, {
      'content-type': isScript ? 'text/javascript' : 'text/html',
      'access-control-allow-origin': '*', // a sandboxed frame is of no origin
    })
    response.end(isScript ? readFileSync(new URL(`../../dist${url}`, import.meta.url)) : PAGES[url])
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { told, close, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

test.skipIf(missing)(
  'Firefox keeps models, downloads them and takes chosen files',
  { timeout: 120_000 },
  async () => {
    const { told, close, url } = await serve()
    const profile = makeFolder('lanegrad-firefox-')
    const downloads = join(profile, 'downloads')
    mkdirSync(downloads)
    const preferences = {
      'browser.download.folderList': 2,
      'browser.download.dir': downloads,
      'browser.helperApps.neverAsk.saveToDisk': 'application/octet-stream',
    }
    const command = firefoxCommand(program as string, profile, url, preferences)
    const running = start(...command, { limitMs: 100_000, env: { HOME: profile } })
    try {
      const { error, messages, sandboxed, ...answer } = JSON.parse(await Promise.race([told, running.ended]))
      expect(error).toBeUndefined()
      expect(answer).toEqual({
        isSame: true,
        listed: ['a b/c', 'mine'],
        isLarger: true,
        removed: [true, false],
        isChosen: true,
        drawn: expect.stringMatching(/^loss from .* over 4 epochs$/),
        bar: 1,
      })
      expect(messages).toEqual([
        'LanegradError: loadFrom: nothing is kept under "other"; kept are "mine"',
        expect.stringMatching(/^LanegradError: saveTo: model/),
        'LanegradError: loadBlob: cat.png: it looks like a page or a picture',
      ])
      for (const [i, name] of ['saveTo', 'loadFrom'].entries())
        expect(sandboxed[i]).toMatch(
          RegExp(
            `^LanegradError: ${name}: this page can't keep anything in IndexedDB .*; download\\(model\\) saves it as a file$`,
          ),
        )
      const file = join(downloads, 'mine.safetensors')
      await expect.poll(() => readdirSync(downloads), { timeout: 20_000 }).toEqual(['mine.safetensors'])
      expect(existsSync(file) && load(readFileSync(file)).countParams()).toBe(9)
    } finally {
      await running.stop()
      close()
      removeFolder(profile)
    }
  },
)
