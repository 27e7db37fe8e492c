// What the tests of the playground's page have in common: a tab's figures and buttons, and its link.
import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect, test } from 'vitest'

/** What the page does at its edges: with CI=1 alone, since each opens the page anew. */
export const thorough = test.runIf(process.env.CI)

export interface Visits {
  /**
   * Opens a link anew, with `options` in a fresh window; after `use` nothing may have been complained about or fetched
   * from elsewhere.
   */
  visit(link: string, use: (page: Page) => Promise<void>, options?: BrowserContextOptions): Promise<void>
  /** What has been complained about since the link was opened. */
  readonly problems: string[]
}

const hash = (page: Page) => page.evaluate(() => location.hash)
const figure = (page: Page, tab: string, name: string) => page.locator(`#panel-${tab} [data-figure=${name}]`)

export const makeTools = (visits: Visits) => ({
  ...visits,
  hash,
  figure,
  numberOf: async (page: Page, tab: string, name: string) =>
    Number.parseFloat((await figure(page, tab, name).innerText()).replaceAll(',', '')),
  press: (page: Page, tab: string, action: string) =>
    page.locator(`#panel-${tab} [data-action=${action}]`).click(),
  /** The same `count` times, a frame for each; the driver itself takes several for a click. */
  pressOften: (page: Page, tab: string, action: string, count: number) =>
    page.locator(`#panel-${tab} [data-action=${action}]`).evaluate(async (button: HTMLElement, times) => {
      for (let i = 0; i < times; i++) {
        button.click()
        await new Promise(requestAnimationFrame)
      }
    }, count),
  /** The link a moment after a change. */
  expectHash: (page: Page, text: string) => expect.poll(() => hash(page)).toBe(text),
})
export type Tools = ReturnType<typeof makeTools>
