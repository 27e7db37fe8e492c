// The playground in a real browser: every tab is opened and used, as a visitor would, and nothing may be said on the
// console. Needs Chromium on the PATH (or its path in CHROMIUM) and playwright-core; without them only the build is
// tested. Numbers come from definitions: xor can be learned, gradients equal difference quotients, the same link gives
// the same bits. How fast the page is decides nothing here.
import { accessSync, constants, readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { delimiter, join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPlayground, pageBytes, serve, teachBytes } from '../../scripts/playground.mjs'

import { digitsTests } from './playground/digits.ts'
import { insideTests } from './playground/inside.ts'
import { peopleTests } from './playground/people.ts'
import { pointsTests } from './playground/points.ts'
import { makeTools, thorough } from './playground/tools.ts'

const FOLDER = 'build/playground'
const KILOBYTE = 1024

const isProgram = (path: string) => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const places = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => names.map((name) => join(folder, name)))
const executablePath = [process.env.CHROMIUM ?? '', ...places].find((path) => path && isProgram(path))
const playwright = await import('playwright-core').catch(() => null)
const missing = !executablePath
  ? 'no Chromium on the PATH'
  : playwright
    ? ''
    : 'playwright-core is not installed'
if (missing) console.log(`playground.test.ts: the page isn't opened: ${missing}`)

if (!process.env.CI) console.log('playground.test.ts: one test for each tab, and the phone; CI=1 runs all')

beforeAll(() => buildPlayground(FOLDER), 120_000)

describe('the build', () => {
  test('travels in less than 150 KB gzipped, the digits aside; the worker of Teach in less than 200', () => {
    expect(pageBytes(FOLDER)).toBeLessThan(150 * KILOBYTE)
    expect(teachBytes(FOLDER)).toBeLessThan(200 * KILOBYTE)
  })

  test('allows scripts of its own host and wasm, nothing more', () => {
    const page = readFileSync(join(FOLDER, 'index.html'), 'utf8')
    expect(page).toMatch(/http-equiv="Content-Security-Policy"[^>]*script-src 'self' 'wasm-unsafe-eval';/)
    expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+=|unsafe-inline/)
  })
})

describe.skipIf(missing)('the page', { timeout: 120_000 }, () => {
  let browser: Browser
  let server: Server
  let address = ''

  beforeAll(async () => {
    ;({ server, address } = await serve(FOLDER, 0))
    const args = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
    ]
    if (playwright)
      browser = await playwright.chromium.launch({
        executablePath,
        args: [...args, '--disable-sync', '--no-first-run'],
      })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  const problems: string[] = []

  async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    const page = await context.newPage()
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('request', (request) => {
      if (!request.url().startsWith(address) && !/^(data|blob|about):/.test(request.url()))
        problems.push(request.url())
    })
    return page
  }

  /** A window takes a second to open: one for all visits that ask for nothing else. */
  let shared: Page | null = null

  /**
   * Opens a link anew, with `options` in a fresh window; after `use` nothing may have been complained about or fetched from
   * elsewhere.
   */
  async function visit(
    link: string,
    use: (page: Page) => Promise<void>,
    options?: BrowserContextOptions,
  ): Promise<void> {
    shared ??= await newPage()
    const page = options ? await newPage(options) : shared
    try {
      await page.goto('about:blank')
      problems.length = 0
      await page.goto(address + link)
      await use(page)
      expect(problems).toEqual([])
    } finally {
      if (options) await page.context().close()
    }
  }

  const tools = makeTools({ visit, problems })
  const { figure, numberOf, press, hash, expectHash } = tools

  thorough('code from text is refused: the policy holds', async () => {
    await visit('', async (page) => {
      await figure(page, 'points', 'epoch').waitFor()
      // from a timer: what the driver evaluates itself is excepted from the policy
      const refused = await page.evaluate(
        () =>
          new Promise((done) =>
            setTimeout(() => {
              try {
                done(new Function('return "ran"')())
              } catch (error) {
                done(error instanceof EvalError)
              }
            }),
          ),
      )
      expect(refused).toBe(true)
      problems.length = 0 // the refusal is also said on the console
    })
  })

  describe('Points', () => pointsTests(tools))
  digitsTests(tools)
  describe('Inside', () => insideTests(tools))
  describe('for everyone', () => peopleTests(tools))

  thorough('Speed: both sides run and compute the same loss', async () => {
    await visit('#speed?hidden=16&batch=8&seconds=1', async (page) => {
      await press(page, 'speed', 'run')
      await expect
        .poll(() => figure(page, 'speed', 'verdict').innerText(), { timeout: 60_000 })
        .toMatch(/on this device\.$/)
      const cells = await page
        .locator('#panel-speed tbody tr')
        .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent ?? '')))
      expect(cells.length).toBe(2)
      for (const [, rate] of cells) expect(Number.parseFloat(rate)).toBeGreaterThan(0)
      const [wasm, plain] = cells.map((row) => Number(row[5]))
      expect(wasm).toBeGreaterThan(0)
      expect(Math.abs(wasm - plain) / plain).toBeLessThan(1e-3)
    })
  })

  thorough('every tab has its title and its guide; Reset stops what runs', async () => {
    await visit(
      '',
      async (page) => {
        const titles = new Set<string>()
        for (const tab of ['points', 'digits', 'teach', 'inside', 'speed']) {
          await page.locator(`#tab-${tab}`).click()
          const panel = page.locator(`#panel-${tab}`)
          const heading = await panel.locator('.tab-head h2').innerText()
          await expect.poll(() => page.title()).toBe(`${heading} – lanegrad playground`)
          titles.add(heading)
          const guide = panel.getByRole('region', { name: 'What to try' })
          expect(await guide.isVisible()).toBe(true)
          await panel.locator('[data-guide=toggle]').click()
          expect(await guide.isVisible()).toBe(false)
          const begin = panel.locator('[data-action=play], [data-action=run]')
          if ((await begin.count()) === 0) continue
          const name = await begin.innerText()
          await panel.locator('[data-action=play]:enabled, [data-action=run]').click({ timeout: 60_000 })
          expect(await begin.innerText()).not.toBe(name)
          await press(page, tab, 'reset')
          expect(await begin.innerText()).toBe(name)
        }
        expect(titles.size).toBe(5)
        expect(await figure(page, 'points', 'frames').textContent()).toBe('–')
        // what was closed stays closed, and can be opened again
        await page.goto(`${address}#speed`)
        await page.reload()
        const toggle = page.locator('#panel-speed [data-guide=toggle]')
        await toggle.waitFor()
        expect(await toggle.getAttribute('aria-expanded')).toBe('false')
        await toggle.click()
        await page.locator('#panel-speed [data-guide=next]').click()
        await page.locator('#panel-speed [data-guide=show]').click()
        await expectHash(page, '#speed?hidden=16')
      },
      {},
    )
  })

  thorough('the arrow keys go from tab to tab; a tab keeps what it was', async () => {
    await visit('#points?data=moons', async (page) => {
      await figure(page, 'points', 'epoch').waitFor()
      await press(page, 'points', 'step')
      await page.locator('#tab-points').focus()
      for (const tab of ['digits', 'teach', 'inside', 'speed', 'points']) {
        await page.keyboard.press('ArrowRight')
        await expect.poll(() => hash(page)).toMatch(new RegExp(`^#${tab}`))
        expect(await page.locator('[role=tabpanel]:visible').getAttribute('id')).toBe(`panel-${tab}`)
      }
      expect(await numberOf(page, 'points', 'epoch')).toBe(1)
      await expectHash(page, '#points?data=moons')
    })
  })

  thorough('Back returns to the tab before, as it was left', async () => {
    await visit('#points?data=moons', async (page) => {
      await figure(page, 'points', 'epoch').waitFor()
      await press(page, 'points', 'step')
      await page.locator('#tab-speed').click()
      await expectHash(page, '#speed')
      await page.goBack()
      await page.locator('#panel-points').waitFor()
      await expectHash(page, '#points?data=moons')
      expect(await numberOf(page, 'points', 'epoch')).toBe(1)
    })
  })

  thorough.each([
    ['phone', 360],
    ['tablet', 768],
    ['tablet', 721],
  ])('on a %s of %i pixels nothing is wider than the screen', async (_, width) => {
    const phone = { viewport: { width, height: 740 }, isMobile: true, hasTouch: true }
    const go = async (page: Page) => {
      for (const link of ['points?data=own', 'digits', 'teach', 'inside?stage=check', 'speed']) {
        await page.evaluate((text) => {
          location.hash = text
        }, link)
        await page
          .locator(`#panel-${link.split('?')[0]} .card`)
          .first()
          .waitFor()
        await page.waitForTimeout(200)
        expect(await page.evaluate(() => document.documentElement.scrollWidth), link).toBe(width)
      }
    }
    await visit('', go, phone)
  })

  thorough('the theme can be chosen and stays', async () => {
    await visit(
      '',
      async (page) => {
        await figure(page, 'points', 'epoch').waitFor()
        const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
        const bySystem = await ground()
        await page.locator('#theme').click()
        expect(await ground()).toBe(bySystem) // light, as the system is
        await page.locator('#theme').click()
        const dark = await ground()
        expect(dark).not.toBe(bySystem)
        await page.reload()
        expect(await ground()).toBe(dark)
      },
      { colorScheme: 'light' },
    )
  })
})
