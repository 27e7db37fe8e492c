// Digits in Chromium: accuracy rises, digits are recognized, divergence is said.
import { expect } from 'vitest'
import { type Tools, thorough } from './tools.ts'

export function digitsTests({ visit, figure, numberOf, press }: Tools): void {
  thorough('Digits: training that diverges says so and stops', async () => {
    await visit('#digits?hidden=64-32-16&act=elu&opt=sgd&rate=10', async (page) => {
      const alarm = page.locator('#panel-digits [role=alert]')
      await page.locator('#panel-digits [data-action=play]:enabled').click({ timeout: 60_000 })
      await alarm.waitFor({ state: 'visible', timeout: 60_000 })
      expect(await page.locator('#panel-digits [data-action=play]').innerText()).toBe('Train')
      await press(page, 'digits', 'reset')
      expect(await alarm.isVisible()).toBe(false)
    })
  })

  thorough('Digits: accuracy rises, and a digit is recognized', async () => {
    await visit('#digits?hidden=32', async (page) => {
      await page.waitForFunction(
        () => document.querySelectorAll('#panel-digits .samples button').length === 10,
      )
      await press(page, 'digits', 'play')
      await expect
        .poll(() => numberOf(page, 'digits', 'test-accuracy'), { timeout: 90_000 })
        .toBeGreaterThan(85) // guessing gives 10
      expect(await numberOf(page, 'digits', 'loss')).toBeLessThan(1) // it starts at log 10 = 2.3
      await press(page, 'digits', 'play')
      // picked digits are asked about as they are: right as often as the test says, which is of these weights too
      const share = await page.evaluate(() => {
        const all = <T extends HTMLElement>(selector: string) => [...document.querySelectorAll<T>(selector)]
        const more = all('#panel-digits button').find(({ textContent }) => textContent === 'Other digits')
        const [verdict] = all('[data-figure=verdict]')
        let right = 0
        for (let i = 0; i < 200; i++) {
          for (const pick of all('#panel-digits .samples button')) {
            pick.click()
            const label = /a (\d),/.exec(pick.getAttribute('aria-label') ?? '')?.[1]
            if (verdict.textContent?.includes(`reads a ${label} `)) right++
          }
          more?.click()
        }
        return right / 2000
      })
      await expect
        .poll(() => figure(page, 'digits', 'test-accuracy').innerText())
        .toBe(`${(100 * share).toFixed(1)} %`)
      await page.getByLabel('Put this test digit, a 0,').first().click()
      expect(await figure(page, 'digits', 'verdict').innerText()).toMatch(/reads a 0/)
      await page.getByRole('button', { name: 'Clear' }).click()
      expect(await figure(page, 'digits', 'verdict').innerText()).toMatch(/Draw a digit/)
      // a stroke from top to bottom is a 1, also where another digit was picked before: that gives way
      await page.getByLabel('Put this test digit, a 0,').first().click()
      const box = await page.locator('.pad').boundingBox()
      if (!box) throw new Error('the pad has no place')
      await page.mouse.move(box.x + box.width * 0.53, box.y + box.height * 0.2)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width * 0.48, box.y + box.height * 0.8, { steps: 10 })
      await page.mouse.up()
      expect(await figure(page, 'digits', 'verdict').innerText()).toMatch(/reads a 1/)
    })
  })
}
