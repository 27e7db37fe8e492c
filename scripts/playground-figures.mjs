// `npm run playground:figures`: what the playground weighs and how fast it is in Chromium on this machine: bytes without
// the digits, first paint, frames a second while each tab trains. Figures beside what they are to be; they decide nothing.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import { buildPlayground, pageBytes, serve, teachBytes } from './playground.mjs'

const SECONDS = 5
const LOADS = 5
/** A middling line: the server here doesn't compress, so a real one is quicker. */
const LINE = { offline: false, latency: 40, downloadThroughput: 10e6 / 8, uploadThroughput: 5e6 / 8 }

const places = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
const executablePath = [process.env.CHROMIUM ?? '', ...places].find((path) => path && existsSync(path))
if (!executablePath) {
  console.error('no Chromium on the PATH (or its path in CHROMIUM)')
  process.exit(2)
}

const print = (what, value, wanted) => console.log(`${what.padEnd(44)} ${value.padStart(9)}   ${wanted}`)
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]

const folder = await buildPlayground()
const { server, address } = await serve(folder, 0)
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
try {
  print('gzipped, the digits aside', `${(pageBytes(folder) / 1024).toFixed(0)} KB`, 'under 150 KB')
  print('the worker of Teach, gzipped', `${(teachBytes(folder) / 1024).toFixed(0)} KB`, 'under 200 KB')

  for (const line of [null, LINE]) {
    const paints = []
    for (let i = 0; i < LOADS; i++) {
      const context = await browser.newContext() // an empty cache
      const page = await context.newPage()
      if (line) {
        const session = await context.newCDPSession(page)
        await session.send('Network.enable')
        await session.send('Network.emulateNetworkConditions', line)
      }
      await page.goto(address)
      await page.locator('#panel-points [data-figure=epoch]').waitFor()
      const paint = () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0
      paints.push(await page.evaluate(paint))
      await context.close()
    }
    const what = line ? 'first paint, 10 Mbit/s and 40 ms' : 'first paint, from this machine'
    print(`${what}, median of ${LOADS}`, `${median(paints).toFixed(0)} ms`, 'under 1000 ms')
  }

  for (const link of ['points', 'points?data=spirals&layers=8-8-8&speed=full', 'digits']) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    await page.goto(`${address}#${link}`)
    const tab = link.split('?')[0]
    if (tab === 'digits')
      await page.locator('#panel-digits .samples button').nth(9).waitFor({ timeout: 60_000 })
    await page.locator(`#panel-${tab} [data-action=play]`).click()
    const rate = await page.evaluate(
      (ms) =>
        new Promise((done) => {
          let frames = 0
          let begin = 0
          requestAnimationFrame(function frame(now) {
            begin ||= now
            if (now - begin < ms) frames++
            else return done((frames * 1000) / (now - begin))
            requestAnimationFrame(frame)
          })
        }),
      SECONDS * 1000,
    )
    print(`frames a second, #${link}`, rate.toFixed(1), 'over 50')
    await page.close()
  }
} finally {
  await browser.close()
  server.close()
}
