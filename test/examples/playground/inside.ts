// Inside in Chromium: every number against the textbook's, a gradient as a sum over its paths, the drawing, the phone.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { type Tools, thorough } from './tools.ts'

export function insideTests({ visit, figure, numberOf, pressOften, expectHash }: Tools): void {
  const panel = (page: Page) => page.locator('#panel-inside')
  /** [what, lanegrad's, by hand] of the numbers shown. */
  const shown = (page: Page) =>
    panel(page)
      .locator('.values tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) => ({
          name: row.children[0].firstChild?.textContent ?? '',
          work: row.children[0].lastChild?.textContent ?? '',
          library: Number((row.children[1].textContent ?? '').replace('−', '-')),
          byHand: Number((row.children[2].textContent ?? '').replace('−', '-')),
        })),
      )

  const everyNumber = (act: string, loss: string) =>
    visit(`#inside?act=${act}&loss=${loss}&step=6`, async (page) => {
      await figure(page, 'inside', 'row').waitFor()
      for (;;) {
        const stage = await page.locator('[aria-current=step]').getAttribute('data-stage')
        if (stage === 'check') {
          await figure(page, 'inside', 'check').waitFor()
          expect(await figure(page, 'inside', 'check').innerText()).toBe('All 23 gradients agree.')
          expect(await panel(page).locator('.values tbody tr').count()).toBe(23)
        } else {
          const rows = await shown(page)
          expect(rows.length).toBeGreaterThan(0)
          // six decimals of 32-bit numbers around 1
          for (const { library, byHand } of rows) expect(Math.abs(library - byHand)).toBeLessThan(3e-6)
        }
        if (stage === 'update') break
        await page.keyboard.press('ArrowRight')
      }
    })
  const textbook = 'every number is the textbook’s, and the gradients pass the check'
  thorough.each([
    ['tanh', 'bce'],
    ['relu', 'mse'],
  ])(`%s, %s: ${textbook}`, everyNumber)
  thorough.each([
    ['tanh', 'mse'],
    ['sigmoid', 'bce'],
    ['sigmoid', 'mse'],
    ['relu', 'bce'],
  ])(`%s, %s: ${textbook}`, everyNumber)

  test('a weight’s gradient is the sum over its four paths, over both neurons and both outputs', async () => {
    await visit('#inside?stage=path1&step=2', async (page) => {
      await figure(page, 'inside', 'row').waitFor()
      for (const weight of ['w11', 'w23', 'b2']) {
        await page.getByLabel('The weight to follow').selectOption(weight)
        for (let count = 1; count <= 4; count++) {
          await page.locator(`[data-stage=path${count}]`).click()
          const rows = await shown(page)
          const paths = rows.slice(0, count)
          expect(paths.map(({ name }) => name)).toEqual(
            ['over h1 and ŷ1', 'over h1 and ŷ2', 'over h2 and ŷ1', 'over h2 and ŷ2'].slice(0, count),
          )
          // each path is the product of the factors that are written beside it, to their four decimals
          for (const { work, library } of paths) {
            const factors = work
              .split(' · ')
              .map((text) => Number((/\(?(−?[\d.e-]+)\)?$/.exec(text) ?? [])[1].replace('−', '-')))
            expect(factors.length).toBe(weight === 'b2' ? 5 : 6)
            expect(factors.reduce((product, value) => product * value, 1)).toBeCloseTo(library, 3)
          }
          const sum = paths.reduce((total, { library }) => total + library, 0)
          expect(rows[count].library).toBeCloseTo(sum, 5)
          // what the drawing lights up: a path's lines now, those before still to be seen
          const lit = panel(page).locator('.diagram .flow.now')
          expect(await lit.count()).toBe(weight === 'b2' ? 3 : 4)
          expect(await panel(page).locator('.diagram .box.lit').count()).toBe(weight === 'b2' ? 4 : 5)
          if (count < 4) expect(rows.length).toBe(count + 1)
          else {
            expect(rows[5].name).toBe(`∂L/∂${weight}`)
            expect(rows[5].library).toBeCloseTo(rows[4].library, 5)
          }
        }
      }
      // and that is the gradient of the backward pass
      const [last] = (await shown(page)).slice(-1)
      await page.locator('[data-stage=dw1]').click()
      expect((await shown(page)).find(({ name }) => name === last.name)?.library).toBe(last.library)
    })
  })

  thorough('the drawing keeps what was computed; gradients flow back beneath it', async () => {
    await visit('#inside?stage=loss', async (page) => {
      await figure(page, 'inside', 'row').waitFor()
      const drawn = () =>
        panel(page)
          .locator('.diagram .box')
          .evaluateAll((boxes) =>
            boxes.map((box) => [...box.querySelectorAll('text')].map((row) => row.textContent).join('\n')),
          )
      const directions = () =>
        panel(page)
          .locator('.diagram .flow')
          .evaluateAll((lines) => lines.map(({ classList }) => classList.contains('back')))
      const boxes = await drawn()
      // inputs, then a bias, a sum and an activation each, then the loss
      expect(boxes.map((box) => box.replace(/[^a-zŷA-Z]+/g, ' ').trim())).toEqual([
        ...['x', 'x', 'b z a', 'b z a', 'b z a', 'c q h', 'c q h', 'd s ŷ', 'd s ŷ', 'L y y'],
      ])
      expect(await directions()).toEqual(Array(6 + 6 + 4 + 2).fill(false))
      await page.locator('[data-stage=dw1]').click()
      const later = await drawn()
      for (const [i, box] of boxes.entries())
        for (const row of box.split('\n')) expect(later[i]).toContain(row)
      expect(later.filter((box) => /∂/.test(box)).length).toBe(7)
      expect(await directions()).toEqual(Array(6 + 6 + 4 + 2).fill(true))
      await page.locator('[data-stage=update]').click()
      const values = await shown(page)
      for (const name of ['b1', 'b3', 'c2', 'd1']) {
        const value = values.find((row) => row.name === name)?.library ?? Number.NaN
        const drawnValue = new RegExp(`${name} (−?[\\d.]+)`).exec((await drawn()).join())?.[1]
        expect(Number(drawnValue?.replace('−', '-')), name).toBeCloseTo(value, 4)
      }
    })
  })

  thorough('the keys go on to the next row and back again; the link holds the place', async () => {
    await visit('#inside?step=3&stage=update', async (page) => {
      await figure(page, 'inside', 'row').waitFor()
      const before = await panel(page).locator('.values').innerText()
      await page.keyboard.press('ArrowRight')
      await expectHash(page, '#inside?step=4')
      expect(await figure(page, 'inside', 'epoch').innerText()).toBe('2')
      await page.keyboard.press('ArrowLeft')
      await expectHash(page, '#inside?step=3&stage=update')
      expect(await panel(page).locator('.values').innerText()).toBe(before)
      // also after a press on the drawing
      await panel(page).locator('.diagram').click()
      await page.keyboard.press('ArrowLeft')
      await expectHash(page, '#inside?step=3&stage=check')
    })
  })

  thorough('on a phone the text stands above what it explains, and the buttons stay in sight', async () => {
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
    const use = async (page: Page) => {
      await figure(page, 'inside', 'row').waitFor()
      await page.locator('#panel-inside [data-guide=toggle]').click()
      const place = async (selector: string) => {
        const box = await panel(page).locator(selector).boundingBox()
        if (!box) throw new Error(`${selector} has no place`)
        return box
      }
      for (const id of ['z1', 'da1', 'path4']) {
        await page.locator(`[data-stage=${id}]`).click()
        await page.evaluate(() =>
          document.querySelector('#panel-inside .text')?.scrollIntoView({ block: 'start' }),
        )
        const [text, drawing, forward] = await Promise.all(
          ['.text', '.diagram', '[data-action=forward]'].map(place),
        )
        expect(text.y + text.height, id).toBeLessThan(drawing.y)
        expect(drawing.x).toBeGreaterThanOrEqual(0)
        expect(drawing.x + drawing.width).toBeLessThanOrEqual(390)
        expect(drawing.y + drawing.height, id).toBeLessThan(844)
        expect(forward.y).toBeGreaterThanOrEqual(0)
      }
    }
    await visit('#inside', use, phone)
  })

  thorough('the outputs are learned; the memory map names every weight', async () => {
    await visit('#inside', async (page) => {
      await pressOften(page, 'inside', 'epochs', 30)
      expect(await numberOf(page, 'inside', 'loss')).toBeLessThan(0.1)
      const table = page.getByRole('region', { name: 'Buffers' })
      expect(await table.isVisible()).toBe(false)
      await page.getByText('The memory of this step').click()
      await table.waitFor()
      const text = await table.innerText()
      for (const name of ['hidden1/kernel', 'hidden2/bias', 'gradient of output/bias', 'scratch of'])
        expect(text).toContain(name)
    })
  })
}
