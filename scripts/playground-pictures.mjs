// Pictures of the playground, to be looked at: `npm run playground:pictures` takes one of every tab on a desk and on a
// phone, light and dark, into build/playground-pictures; names after `--` choose among them by a part of their name, and
// --screen leaves out what is below the first screen. With --readme it also takes examples/playground/picture.png, the one in the README, when Points has learned a while.
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import { buildPlayground, serve } from './playground.mjs'

const FOLDER = 'build/playground-pictures'
const README = 'examples/playground/picture.png'
const sizes = {
  desk: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
}
/** What each picture shows: a link, and what is done there. */
const views = {
  points: { link: 'points', play: 2000 },
  'points-regression': { link: 'points?data=hills&layers=8-4', play: 2000 },
  'points-spirals': { link: 'points?data=spirals&layers=8-8-8&act=silu&rate=0.01&speed=full', play: 4000 },
  digits: { link: 'digits', play: 4000 },
  teach: { link: 'teach' },
  'inside-first': { link: 'inside' },
  'inside-forward': { link: 'inside?stage=z2' },
  'inside-back': { link: 'inside?stage=da1' },
  'inside-path': { link: 'inside?stage=path3' },
  'inside-update': { link: 'inside?stage=update' },
  speed: { link: 'speed?seconds=1', play: 3500 },
}

const places = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
const executablePath = [process.env.CHROMIUM ?? '', ...places].find((path) => path && existsSync(path))
if (!executablePath) {
  console.error('no Chromium on the PATH (or its path in CHROMIUM)')
  process.exit(2)
}

async function take(page, address, { link, play }, path, fullPage) {
  await page.goto(`${address}#${link}`)
  const panel = page.locator(`#panel-${link.split('?')[0]}`)
  await panel.locator('.card').first().waitFor()
  if (play) {
    const begin = panel.locator('[data-action=play]:enabled, [data-action=run]')
    await begin.click({ timeout: 60_000 })
    await page.waitForTimeout(play)
    await panel
      .locator('[data-action=play]')
      .click({ timeout: 1000 })
      .catch(() => {}) // Speed ends by itself
    await page.mouse.move(0, 0)
  }
  await page.waitForTimeout(300)
  await page.screenshot({ path, fullPage })
  console.log(path)
}

const args = process.argv.slice(2)
const wanted = args.filter((name) => !name.startsWith('--'))
const folder = await buildPlayground()
const { server, address } = await serve(folder, 0)
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
try {
  mkdirSync(FOLDER, { recursive: true })
  for (const [size, options] of Object.entries(sizes))
    for (const colorScheme of ['light', 'dark'])
      for (const [name, view] of Object.entries(views)) {
        const title = `${name}-${size}-${colorScheme}`
        if (
          args.includes('--readme') ||
          !(wanted.length === 0 || wanted.some((part) => title.includes(part)))
        )
          continue
        const context = await browser.newContext({ ...options, colorScheme })
        await take(
          await context.newPage(),
          address,
          view,
          join(FOLDER, `${title}.png`),
          !args.includes('--screen'),
        )
        await context.close()
      }
  if (args.includes('--readme')) {
    const context = await browser.newContext({ ...sizes.desk, colorScheme: 'light' })
    const page = await context.newPage()
    await page.addInitScript(() => localStorage.setItem('lanegrad-guide-points', 'closed'))
    await take(
      page,
      address,
      { link: 'points?data=spirals&layers=8-8-8&act=silu&rate=0.01&speed=full', play: 12_000 },
      README,
      false,
    )
    await context.close()
  }
} finally {
  await browser.close()
  server.close()
}
