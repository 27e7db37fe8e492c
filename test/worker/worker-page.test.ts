// Models in workers of a real page, and pages that are left: Chromium, the built bundle as a server sends it, under a
// content security policy that lets no code be made from text. Needs Chromium on the PATH (or its path in CHROMIUM) and
// playwright-core, and `npm run build`. What comes back is compared with training here; how long a frame takes is printed and
// decides nothing.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dense, sequential } from '../../src/index.ts'

/** With CI=1 alone: a browser's page each. */
const thorough = test.runIf(process.env.CI)

const file = (path: string) => new URL(`../../${path}`, import.meta.url)
const places = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
const executablePath = [process.env.CHROMIUM ?? '', ...places].find((path) => path && existsSync(path))
const playwright = await import('playwright-core').catch(() => null)
const missing = !executablePath ? 'no Chromium on the PATH' : playwright ? '' : 'no playwright-core'
if (!process.env.CI) console.log('worker-page.test.ts: pages run with CI=1 alone')
if (missing) console.log(`worker-page.test.ts is skipped: ${missing}`)

const [workerScript, pageScript] = [
  ...readFileSync(file('docs/guides/worker.md'), 'utf8').matchAll(/```javascript\n(.*?)```/gs),
].map(([, code]) => code)

/** Training that both sides do: 784-512-512-10. */
const NET = `sequential({ inputShape: [784], seed: 4, layers: [
  dense({ units: 512, activation: 'relu' }), dense({ units: 512, activation: 'relu' }), dense({ units: 10 })] })`
const ROWS = 1024
const DATA = `({
  x: Float32Array.from({ length: ${ROWS} * 784 }, (_, i) => ((i * 7919) % 1009) / 1009),
  y: Float32Array.from({ length: ${ROWS} * 10 }, (_, i) => ((i * 31) % 17) / 17),
})`
const EPOCHS = 8
const OPTIONS = `{ epochs: ${EPOCHS}, batchSize: 64 }`

const page = (code: string) => `
  import { dense, load, sequential } from 'lanegrad'
  import { workers } from 'lanegrad/threads'
  import { workerModel } from 'lanegrad/worker'
  const start = (name = 'worker') => new Worker(new URL('../' + name + '.js', import.meta.url), { type: 'module' })
  const small = () => {
    const net = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
    net.compile({ optimizer: 'sgd', loss: 'mse' })
    return net
  }
  const messageOf = (promise) => promise.then(() => 'none', (error) => error.name + ': ' + error.message)
  const later = (ms) => new Promise((done) => setTimeout(done, ms))
  window.result = (async () => { ${code} })()`

/** A page that keeps what was learnt when it is left, and goes on with it when it comes back; \`train\` trains \`net\`. */
const left = (train: string) =>
  page(`
    const stored = sessionStorage.getItem('model')
    const net = stored ? load(Uint8Array.from(atob(stored), (c) => c.charCodeAt(0))) : ${NET}
    if (!stored) net.compile({ optimizer: 'adam', loss: 'mse' })
    addEventListener('pagehide', () => {
      const file = net.save({ includeOptimizer: true })
      let text = ''
      for (const byte of file) text += String.fromCharCode(byte)
      sessionStorage.setItem('model', btoa(text))
      sessionStorage.setItem('said', said())
    })
    const { x, y } = ${DATA}
    const said = () => net.predict(x.subarray(0, 784)).data.join()
    const isSame = !stored || said() === sessionStorage.getItem('said')
    const { stepCount } = net.session.engine
    window.epochs = 0
    const callbacks = [{ onEpochEnd: () => { window.epochs++ } }]
    ${train}
    return { isSame, stepCount }`).replaceAll('512', '32') // it is to fit into the storage

const scripts: Record<string, string> = {
  worker: workerScript,
  threading: workerScript,
  blank: '',
  leftTraining: left('net.fit(x, y, { epochs: 1e6, callbacks })'),
  leftWorking: left(`
    const remote = await workerModel(net, { worker: start() })
    remote.fit(x, y, { epochs: 1e6, callbacks })`),
  threads: page(`
    const digests = []
    for (const worker of [start('threading'), start('worker')]) {
      const net = ${NET.replace('sequential({', 'sequential({ threads: workers(2),')}
      net.compile({ optimizer: 'adam', loss: 'mse' })
      const remote = await workerModel(net, { worker })
      const { x, y } = ${DATA}
      await remote.fit(x, y, ${OPTIONS})
      await remote.close()
      const digest = await crypto.subtle.digest('SHA-256', net.save({ includeOptimizer: true }))
      digests.push([...new Uint8Array(digest)])
      console.log('trained')
      if (digests.length === 2) net.predict(x)
      await later(100)
    }
    return digests`),
  cancelled: page(`
    const net = ${NET}
    net.compile({ optimizer: 'adam', loss: 'mse' })
    const remote = await workerModel(net, { worker: start() })
    const control = new AbortController()
    let batches = 0, reason = ''
    const { x, y } = ${DATA}
    const history = await remote.fit(x, y, {
      epochs: 1e6, batchSize: 64, signal: control.signal, progressMs: 10,
      callbacks: [{
        onBatchEnd() { if (++batches === 20) control.abort() },
        onTrainEnd(logs, why) { reason = why },
      }],
    })
    const before = (await remote.predict(x)).data
    await remote.close()
    const after = net.predict(x).data
    return { batches, reason, epochs: history.loss?.length ?? 0, isSame: before.every((v, i) => v === after[i]) }`),
  guide: pageScript,
  broken: 'throw new Error("broken script")',
  silent: '',
  late: `import { serveModels } from 'lanegrad/worker'
    await new Promise((done) => setTimeout(done, 300)); serveModels()`,
  failing: `${workerScript}; setTimeout(() => { throw new Error('not of the library') }, 100)`,
  train: page(`
    const net = ${NET}
    net.compile({ optimizer: 'adam', loss: 'mse' })
    const remote = await workerModel(net, { worker: start() })
    const { x, y } = ${DATA}
    await later(300)
    let last = performance.now(), longest = 0, frames = 0, isOver = false
    const began = last
    requestAnimationFrame(function frame(now) {
      const ms = performance.now()
      longest = Math.max(longest, ms - last)
      last = ms
      frames++
      if (!isOver) requestAnimationFrame(frame)
    })
    const history = await remote.fit(x, y, { ...${OPTIONS}, transfer: true })
    const tookMs = performance.now() - began
    isOver = true
    await remote.close()
    const digest = await crypto.subtle.digest('SHA-256', net.save({ includeOptimizer: true }))
    return { longest, frames, tookMs, left: x.length, loss: history.loss, digest: [...new Uint8Array(digest)] }`),
  shared: page(`
    const remote = await workerModel(small(), { worker: start() })
    const x = new Float32Array(new SharedArrayBuffer(16))
    x.set([1, 2, 3, 4])
    const before = (await remote.predict(x)).data[0]
    x.fill(0)
    return [before !== 0, (await remote.predict(x)).data[0]]`),
  ends: page(`
    const bad = ['broken', 'missing', 'silent']
    const results = []
    for (const name of bad) {
      const timeoutMs = name === 'silent' ? 500 : 20_000
      results.push(await messageOf(workerModel(small(), { worker: start(name), timeoutMs })))
    }
    const late = await workerModel(small(), { worker: start('late') })
    results.push((await late.predict([[0, 0]])).shape)
    // an error elsewhere in its script ends no worker of a browser
    const failing = await workerModel(small(), { worker: start('failing') })
    await later(300)
    results.push(Object.keys(await failing.trainStep([[1, 2]], [1])))
    for (const withLocks of [false, true]) {
      if (withLocks) { // as in browsers whose ports tell of no end
        delete MessagePort.prototype.onclose
        const { addEventListener } = EventTarget.prototype
        MessagePort.prototype.addEventListener = function (type, ...rest) {
          if (type !== 'close') addEventListener.call(this, type, ...rest)
        }
      }
      const worker = start()
      const remote = await workerModel(small(), { worker })
      const fitting = messageOf(remote.fit([[1, 2]], [1], { epochs: 1e7 }))
      await later(100)
      worker.terminate()
      results.push(await fitting, await messageOf(remote.predict([[1, 2]])))
      const closing = await workerModel(small(), { worker: start() })
      await closing.close()
      results.push(await messageOf(closing.predict([[1, 2]])))
    }
    return results`),
}

/** Import maps don't reach into workers: names become paths, as a bundler would write them. */
const served = (code: string) =>
  code.replaceAll("'lanegrad'", "'/dist/index.js'").replace(/'lanegrad\/(\w+)'/g, "'/dist/$1.js'")

describe.skipIf(missing)(`in a page${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server
  let browser: Browser
  let address: string
  const logs: string[] = []
  beforeAll(async () => {
    server = createServer(({ url = '' }, response) => {
      const [, folder, name] = /^\/(dist\/)?(\w+)\.(?:js|html)$/.exec(url) ?? []
      const isPage = url.endsWith('.html')
      const text = isPage
        ? `<!doctype html><meta charset="utf-8"><script type="module" src="${name}.js"></script>`
        : folder && existsSync(file(`dist/${name}.js`))
          ? readFileSync(file(`dist/${name}.js`), 'utf8')
          : scripts[name] && served(scripts[name])
      if (url === '/favicon.ico') return response.writeHead(204).end()
      const isMissing = text === undefined || (text === '' && !['silent', 'blank'].includes(name))
      const blobs = name === 'threading' ? "; worker-src 'self' blob:" : ''
      response.writeHead(isMissing ? 404 : 200, {
        'content-type': isPage ? 'text/html' : 'text/javascript',
        'content-security-policy': `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'${blobs}`,
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
      })
      response.end(text)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    if (playwright) browser = await playwright.chromium.launch({ executablePath, args: ['--no-sandbox'] })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  const open = async (name: string): Promise<Page> => {
    logs.length = 0
    const opened = await browser.newPage()
    opened.on('console', async (message) => {
      const at = logs.push('') - 1
      const texts = message.args().map((arg) => arg.evaluate((value) => String(value)))
      logs[at] = (await Promise.all(texts)).join(' ')
    })
    opened.on('pageerror', (error) => logs.push(String(error)))
    await opened.goto(`${address}/${name}.html`)
    return opened
  }
  const resultOf = async <T>(name: string): Promise<T> => {
    const opened = await open(name)
    await opened.waitForFunction('window.result')
    const result = await opened.evaluate('window.result')
    await opened.close()
    return result as T
  }

  thorough("the guide's page learns XOR", { timeout: 60_000 }, async () => {
    const opened = await open('guide')
    await expect.poll(() => logs.filter(Boolean).length, { timeout: 50_000 }).toBe(5)
    await opened.close()
    const epochs = logs.slice(0, 4).map((line) => Number(line.split(' ')[0]))
    expect(epochs).toEqual([0, 500, 1000, 1500])
    const numbers = [...logs[4].matchAll(/\d+\.\d+(?:e-?\d+)?/g)].map(([text]) => Number(text))
    expect(numbers.map((number) => Math.round(number))).toEqual([0, 1, 1, 0])
  })

  thorough(
    'trains to the bits of training here, the page goes on painting',
    { timeout: 120_000 },
    async () => {
      interface Result {
        readonly longest: number
        readonly frames: number
        readonly tookMs: number
        readonly left: number
        readonly loss: readonly number[]
        readonly digest: readonly number[]
      }
      const result = await resultOf<Result>('train')
      const net = new Function('dense', 'sequential', `return ${NET}`)(dense, sequential)
      net.compile({ optimizer: 'adam', loss: 'mse' })
      const { x, y } = new Function(`return ${DATA}`)()
      const history = await net.fit(x, y, new Function(`return ${OPTIONS}`)())
      expect(result.loss).toEqual(history.loss)
      const digest = createHash('sha256')
        .update(net.save({ includeOptimizer: true }))
        .digest()
      expect(result.digest).toEqual([...digest])
      expect(result.left).toBe(0) // moved
      const { longest, frames, tookMs } = result
      console.log(
        `784-512-512-10 in a worker: ${((frames * 1000) / tookMs).toFixed(1)} frames a second, the longest took ${longest.toFixed(0)} ms`,
      )
      expect(frames).toBeGreaterThan(EPOCHS) // a page that trains itself at an epoch a time would show fewer
    },
  )

  thorough(
    'threads work there; a page is told of none before it computes itself',
    {
      timeout: 120_000,
    },
    async () => {
      const digests = await resultOf<number[][]>('threads')
      const net = new Function('dense', 'sequential', `return ${NET}`)(dense, sequential)
      net.compile({ optimizer: 'adam', loss: 'mse' })
      const { x, y } = new Function(`return ${DATA}`)()
      await net.fit(x, y, new Function(`return ${OPTIONS}`)())
      const digest = createHash('sha256')
        .update(net.save({ includeOptimizer: true }))
        .digest()
      expect(digests).toEqual([[...digest], [...digest]])
      expect(logs.filter((line) => line && !line.includes('blob:http'))).toEqual([
        'trained',
        // the second worker's policy lets no worker be made of a blob
        "lanegrad: threads: a worker can't be had: its script was refused (a Content-Security-Policy needs worker-src blob:); 1 of the threads compute",
        'trained',
        "lanegrad: threads: a page's main thread must not wait for others: train in a worker (lanegrad/worker); one thread computes",
      ])
    },
  )

  thorough(
    'tells of progress and is cancelled; what was learnt by then is here',
    {
      timeout: 60_000,
    },
    async () => {
      const result = await resultOf<{ batches: number; epochs: number }>('cancelled')
      expect(result).toMatchObject({ reason: 'aborted', isSame: true })
      expect(result.batches).toBeGreaterThanOrEqual(20)
    },
  )

  test.runIf(process.env.CI).each(['leftTraining', 'leftWorking'])(
    '%s: a page that is left while it trains goes on when it comes back',
    { timeout: 60_000 },
    async (name) => {
      const opened = await open(name)
      const comesBack = () => opened.evaluate<{ isSame: boolean; stepCount: number }>('window.result')
      expect(await comesBack()).toEqual({ isSame: true, stepCount: 0 })
      let last = 0
      for (let visit = 0; visit < 2; visit++) {
        await expect.poll(() => opened.evaluate('window.epochs'), { timeout: 20_000 }).toBeGreaterThan(4)
        await opened.goto(`${address}/blank.html`)
        expect(opened.workers()).toEqual([])
        await opened.goBack()
        const { isSame, stepCount } = await comesBack()
        expect(isSame).toBe(true)
        expect(stepCount).toBeGreaterThanOrEqual(last + (4 * ROWS) / 32) // whole epochs, of 32 rows a step
        last = stepCount
      }
      await opened.close()
      expect(logs.filter(Boolean)).toEqual([])
    },
  )

  thorough('sees what the page writes into shared memory', async () => {
    expect(await resultOf('shared')).toEqual([true, 0])
  })

  thorough("a worker's end is told, whatever ends it", { timeout: 60_000 }, async () => {
    const LOST = 'the local model has the state of the last epoch it heard of'
    const ended = [
      `LanegradError: fit: the worker ended; ${LOST}`,
      `LanegradError: predict: the worker ended; ${LOST}`,
      'LanegradError: predict: this worker model was closed',
    ]
    expect(await resultOf('ends')).toEqual([
      'LanegradError: workerModel: the worker failed: Uncaught Error: broken script',
      "LanegradError: workerModel: the worker failed: its script can't be loaded",
      "LanegradError: workerModel: the worker didn't answer in 500 ms; does its script call serveModels()?",
      [1, 1],
      ['loss'],
      ...ended,
      ...ended,
    ])
  })
})
