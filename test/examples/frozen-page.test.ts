// The page of examples/frozen: one file that asks for no other, opened from the disk in Chromium, where the loss falls and a tap
// moves points. Without Chromium the file alone is looked at.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { frozenPage } from '../../examples/frozen/build.ts'
import { runtimes } from '../runtimes/runtimes.ts'

const executablePath = process.env.CHROMIUM ?? runtimes.find(({ name }) => name === 'chromium')?.find()
const missing = executablePath ? '' : ' (skipped: no Chromium on the PATH)'
if (missing) console.log('frozen-page.test.ts: the page is not opened: no Chromium on the PATH')

let page: string
let folder: string
beforeAll(async () => {
  page = await frozenPage()
  folder = mkdtempSync(join(tmpdir(), 'lanegrad-frozen-'))
  writeFileSync(join(folder, 'frozen.html'), page)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the page is one file of few bytes, with the core and no planner', () => {
  expect(page).not.toMatch(/<script[^>]+src=|<link|https?:\/\//)
  expect(page).not.toMatch(/["'`](glorotUniform|binaryCrossentropy|conv2d)["'`]/)
  expect(gzipSync(page).length).toBeLessThan(40_000)
})

describe.skipIf(missing)(`in Chromium${missing}`, () => {
  // with CI=1 alone: seconds each
  test.runIf(process.env.CI).each([
    ['a desktop, light', { viewport: { width: 1200, height: 900 }, colorScheme: 'light' }],
    ['a phone, dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true }],
  ] as const)('%s: it learns, and learns again after a tap', { timeout: 90_000 }, async (_, options) => {
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
    const browser = await chromium.launch({ executablePath, args })
    try {
      const view = await browser.newPage(options)
      const problems: string[] = []
      view.on('console', (message) => problems.push(message.text()))
      view.on('pageerror', (error) => problems.push(String(error)))
      await view.goto(pathToFileURL(join(folder, 'frozen.html')).href)
      const lossBelow = (limit: number) =>
        view.waitForFunction(
          (most) => Number(document.querySelector('output')?.textContent?.split('loss ')[1]) < most,
          limit,
          { timeout: 60_000 },
        )
      await lossBelow(0.1) // by chance it would be 0.69
      await view.getByRole('button', { name: 'Pause' }).click()
      await view.getByText('blue').click()
      await view.locator('canvas').click({ position: { x: 300, y: 300 } })
      await view.getByRole('button', { name: 'Go on' }).click()
      await lossBelow(0.1)
      expect(await view.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false)
      expect(problems).toEqual([])
    } finally {
      await browser.close()
    }
  })
})
