// The static site as `npm run site` has made it in build/site, in Chromium: no page breaks a rule of axe-core in either theme, none asks another site
// for anything, each is light, and the search finds guides and names. Times to the first paint are printed and decide nothing. In CI alone.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve } from '../../scripts/playground.mjs'
import { runtimes } from '../runtimes/runtimes.ts'
import { root } from '../support/installed.ts'

const FOLDER = join(root, 'build/site')
const AXE = join(root, 'node_modules/axe-core/axe.min.js')
const executablePath = runtimes.find(({ name }) => name === 'chromium')?.find()
const isHere = existsSync(FOLDER) && existsSync(AXE) && executablePath !== undefined
const lacking = !process.env.CI
  ? ' (skipped: CI alone)'
  : isHere
    ? ''
    : ' (skipped, not here: npm run site makes it, Chromium shows it)'
if (lacking) console.log(`site.test.ts${lacking}`)

const htmlIn = (folder: string) =>
  existsSync(join(FOLDER, folder))
    ? readdirSync(join(FOLDER, folder))
        .filter((name) => name.endsWith('.html'))
        .map((name) => `${folder}${name}`)
    : []
/** Its tabs; test/examples holds them against axe-core. */
const PLAYGROUND = ['points', 'digits', 'teach', 'inside', 'speed'].map(
  (tab) => `playground/index.html#${tab}`,
)

/** All pages of our own; of the reference, one of each kind, since one template makes them all. */
const PAGES = [
  'index.html',
  ...['guides/', 'project/', 'bench/'].flatMap(htmlIn),
  ...PLAYGROUND,
  ...[
    'index',
    'modules/lanegrad',
    'modules/lanegrad_data',
    'functions/lanegrad.dense',
    'functions/lanegrad.lstm',
  ].map((name) => `reference/${name}.html`),
  ...['classes/lanegrad.Model', 'interfaces/lanegrad.FitOptions', 'types/lanegrad.Data'].map(
    (name) => `reference/${name}.html`,
  ),
]
const MOST_BYTES = 150_000
/** What a page loads that is data: the digits, the indexes of the searches. */
const DATA = /digits\.bin$|search-index\.js$|reference\/assets\/(search|navigation|hierarchy)\.js$/

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string }[]
}

describe.skipIf(lacking)(`the site${lacking}`, () => {
  let browser: Browser
  let address: string
  let close = () => {}
  beforeAll(async () => {
    const served = await serve(FOLDER, 0)
    address = served.address
    close = () => {
      served.server.close()
      served.server.closeAllConnections()
    }
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    close()
  })

  async function withPage<T>(work: (page: Page) => Promise<T>): Promise<T> {
    const context = await browser.newContext({ bypassCSP: true }) // axe-core comes in from outside
    try {
      return await work(await context.newPage())
    } finally {
      await context.close()
    }
  }

  /** What axe-core finds: each rule that is broken, and where. */
  async function violationsOf(page: Page, rules: readonly string[] = []): Promise<string[]> {
    const options = rules.length > 0 ? { runOnly: rules } : {}
    const { violations } = (await page.evaluate(`axe.run(${JSON.stringify(options)})`)) as {
      violations: Violation[]
    }
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))}`,
    )
  }

  test.each(PAGES)('%s is light, asks nobody else and keeps the rules', { timeout: 180_000 }, (path) =>
    withPage(async (page) => {
      const urls = new Set<string>()
      page.on('request', (request) => urls.add(request.url()))
      await page.goto(address + path, { waitUntil: 'load' })
      const own = [...urls].filter((url) => url.startsWith(address))
      expect([...urls].filter((url) => !own.includes(url) && !/^(data|blob):/.test(url))).toEqual([])
      const files = new Set(
        own.map((url) => decodeURIComponent(url.slice(address.length).replace(/[?#].*$/, ''))),
      )
      const bytes = [...files]
        .filter((file) => !DATA.test(file))
        .reduce((sum, file) => sum + gzipSync(readFileSync(join(FOLDER, file)), { level: 9 }).length, 0)
      expect(bytes).toBeLessThan(MOST_BYTES)
      await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0)
      const paint = await page.evaluate(
        () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
      )
      console.log(
        `${path}: ${(bytes / 1000).toFixed(0)} KB gzipped, first paint after ${paint.toFixed(0)} ms`,
      )
      if (PLAYGROUND.includes(path)) return
      for (const width of [360, 768]) {
        await page.setViewportSize({ width, height: 760 })
        const wide = () => page.evaluate(() => document.documentElement.scrollWidth)
        await expect
          .poll(wide, { message: `how wide a page of ${width} pixels is` })
          .toBeLessThanOrEqual(width)
      }
      await page.setViewportSize({ width: 1280, height: 720 })
      await page.addScriptTag({ path: AXE })
      expect(await violationsOf(page)).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await violationsOf(page, ['color-contrast', 'link-in-text-block'])).toEqual([])
    }),
  )

  test.each(['served', 'a file'])(
    'the search finds guides and names: %s',
    { timeout: 60_000 },
    async (how) => {
      const url =
        how === 'served'
          ? `${address}guides/worker.html`
          : String(pathToFileURL(join(FOLDER, 'guides/worker.html')))
      await withPage(async (page) => {
        await page.goto(url)
        const found = async (words: string) => {
          await page.locator('#search').fill(words)
          await page.locator('.results a').first().waitFor()
          return page
            .locator('.results a')
            .evaluateAll((links) => links.map((link) => link.getAttribute('href')))
        }
        expect((await found('batchNormalization'))[0]).toBe(
          '../reference/functions/lanegrad.batchNormalization.html',
        )
        expect((await found('loss nan'))[0]).toBe('../guides/troubles.html#the-loss-is-nan')
        await page.locator('#search').fill('qqqqq')
        await expect.poll(() => page.locator('.results p').textContent()).toBe('Nothing found')
        await found('layernorm')
        await page.locator('#search').press('Enter')
        await page.waitForURL(/layerNormalization\.html/)
      })
    },
  )

  test('every link within the site leads to a page and a place in it', () => {
    const own = ['index.html', ...['guides/', 'project/'].flatMap(htmlIn)]
    const bad = own.flatMap((path) => {
      const html = readFileSync(join(FOLDER, path), 'utf8')
      return [...html.matchAll(/(?:href|src)="(?!\w+:)([^"#]*)(?:#([^"]*))?"/g)].flatMap(
        ([link, to, anchor]) => {
          const file = to ? join(FOLDER, path, '..', to) : join(FOLDER, path)
          const isBad =
            !existsSync(file) ||
            (anchor && !readFileSync(file, 'utf8').includes(`id="${anchor}"`) && !/playground/.test(to))
          return isBad ? [`${path}: ${link}`] : []
        },
      )
    })
    expect(bad).toEqual([])
  })
})
