// The page for everyone: axe-core, names, what a screen reader hears, the keyboard, less motion.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { type Tools, thorough } from './tools.ts'

/** What axe-core finds, as far as it is read. */
interface AxeResults {
  violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
}

export function peopleTests({ visit, figure }: Tools): void {
  const links = ['points?data=hills', 'digits', 'teach', 'inside?stage=path2', 'inside?stage=check', 'speed']
  const open = async (page: Page, link: string) => {
    await page.evaluate((text) => {
      location.hash = text
    }, link)
    await page
      .locator(`#panel-${link.split('?')[0]} .card`)
      .first()
      .waitFor()
  }

  thorough.each([
    ['light', 'desk'],
    ['dark', 'phone'],
  ] as const)(
    'axe-core finds nothing in any tab (names, roles, order, contrast): %s, %s',
    async (colorScheme, size) => {
      const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
      const viewport = size === 'desk' ? { width: 1280, height: 800 } : { width: 390, height: 844 }
      const use = async (page: Page) => {
        await page.evaluate(axe)
        const found: string[] = []
        for (const link of links) {
          await open(page, link)
          await page.waitForTimeout(300)
          found.push(
            ...(await page.evaluate(async () => {
              const { run } = (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe
              return (await run()).violations.flatMap(({ id, nodes }) =>
                nodes.map(({ html, failureSummary }) => `${location.hash} ${id}: ${html} ${failureSummary}`),
              )
            })),
          )
        }
        expect(found).toEqual([])
      }
      await visit('', use, { colorScheme, viewport })
    },
  )

  thorough('a screen reader hears names, states and the order of things', async () => {
    await visit('#inside?stage=path2', async (page) => {
      await figure(page, 'inside', 'row').waitFor()
      const tree = await page.locator('main').ariaSnapshot()
      const order = [
        'tabpanel "Inside"',
        'heading "Inside: one step of backpropagation, taken apart" [level=2]',
        'button "Guide" [expanded]',
        'region "What to try"',
        'button "Forward →"',
        'navigation "Stages of a step"',
        'list "Backward"',
        'button "+ path 2"',
        'heading "w11: 2 paths of 4" [level=3]',
        'combobox "The weight to follow"',
        'img "The network with two inputs, hidden layers of three and two neurons, and two outputs, at the stage',
        'list "Legend"',
        'rowheader "over h1 and ŷ1',
        'combobox "Activation"',
        'img "Loss (mean of the four rows) by epoch',
      ]
      const places = order.map((text) => tree.indexOf(text))
      expect(order.filter((_, i) => places[i] < 0)).toEqual([])
      expect(places).toEqual([...places].sort((a, b) => a - b))
    })
  })

  thorough('the keyboard reaches every control, in the order of the page', async () => {
    for (const tab of ['points', 'inside', 'speed'])
      await visit(`#${tab}`, async (page) => {
        await page.locator(`#panel-${tab} .card`).first().waitFor()
        await page.locator(`#tab-${tab}`).focus()
        const wanted = await page.evaluate(
          (name) =>
            [
              ...document.querySelectorAll<HTMLElement>(
                `#panel-${name} :is(button, select, input, summary, [tabindex="0"])`,
              ),
            ].filter((each) => each.checkVisibility() && !(each as HTMLButtonElement).disabled).length,
          tab,
        )
        const reached: string[] = []
        await page.keyboard.press('Tab') // Share
        await page.keyboard.press('Tab') // Theme
        for (let i = 0; i < wanted; i++) {
          await page.keyboard.press('Tab')
          reached.push(
            await page.evaluate((name) => {
              const { activeElement: at } = document
              if (!at?.closest(`#panel-${name}`)) return 'outside'
              const { outlineStyle } = getComputedStyle(at)
              return outlineStyle === 'none' && !at.closest('.surface')
                ? `no ring: ${at.outerHTML}`
                : 'inside'
            }, tab),
          )
        }
        expect(reached).toEqual(Array(wanted).fill('inside'))
      })
  })

  thorough('nothing moves by itself where less motion is wanted', async () => {
    for (const reducedMotion of ['reduce', 'no-preference'] as const) {
      const use = async (page: Page) => {
        await figure(page, 'inside', 'row').waitFor()
        const moving = await page.evaluate(() => document.getAnimations().length)
        if (reducedMotion === 'reduce') expect(moving).toBe(0)
        else expect(moving).toBeGreaterThan(0)
      }
      await visit('#inside?stage=da1', use, { reducedMotion })
    }
  })

  thorough('every control has a name', async () => {
    await visit('', async (page) => {
      for (const tab of ['points', 'digits', 'teach', 'inside', 'speed']) {
        await page.locator(`#tab-${tab}`).click()
        await page.locator(`#panel-${tab} .card`).first().waitFor()
      }
      const nameless = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('button, select, input, canvas[role=img], svg[role=img]')]
          .filter((element) => {
            const labels = element instanceof HTMLButtonElement ? null : (element as HTMLInputElement).labels
            return !(element.getAttribute('aria-label') || element.textContent?.trim() || labels?.length)
          })
          .map((element) => element.outerHTML),
      )
      expect(nameless).toEqual([])
    })
  })
}
