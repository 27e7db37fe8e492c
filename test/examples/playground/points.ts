// Points in Chromium: learning, what neurons and lines tell, other inputs, regressions, drawn points, links, divergence.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { type Tools, thorough } from './tools.ts'

export function pointsTests({
  visit,
  figure,
  numberOf,
  press,
  pressOften,
  hash,
  expectHash,
  problems,
}: Tools): void {
  test('learns xor, step by step', async () => {
    await visit('#points?data=xor&seed=3', async (page) => {
      const before = await numberOf(page, 'points', 'train-loss')
      expect(before).toBeGreaterThan(0.5) // guessing costs log 2 = 0.69
      await pressOften(page, 'points', 'step', 40)
      expect(await numberOf(page, 'points', 'epoch')).toBe(40)
      expect(await numberOf(page, 'points', 'train-loss')).toBeLessThan(before / 4)
      expect(await numberOf(page, 'points', 'test-accuracy')).toBeGreaterThan(90)
      await press(page, 'points', 'reset')
      expect(await numberOf(page, 'points', 'train-loss')).toBe(before)
    })
  })

  thorough('plays and pauses', async () => {
    await visit('#points?speed=full', async (page) => {
      await press(page, 'points', 'play')
      await expect.poll(() => numberOf(page, 'points', 'epoch'), { timeout: 30_000 }).toBeGreaterThan(20)
      await press(page, 'points', 'play')
      const at = await numberOf(page, 'points', 'epoch')
      await page.waitForTimeout(300)
      expect(await numberOf(page, 'points', 'epoch')).toBe(at)
    })
  })

  thorough('its link makes the same network again, to the bit', async () => {
    const steps = async (page: Page) => {
      await pressOften(page, 'points', 'step', 5)
      return figure(page, 'points', 'train-loss').innerText()
    }
    let link = ''
    let loss = ''
    await visit('#points', async (page) => {
      await page.locator('[data-set=spirals]').click()
      await press(page, 'points', 'add-layer')
      await page.getByLabel('One neuron more in layer 1').click()
      await page.getByLabel('Remove layer 2').click()
      await page.getByLabel('Activation').selectOption('relu')
      await page.getByLabel('Optimizer').selectOption('sgd')
      await page.getByLabel('Learning rate').selectOption('0.1')
      await page.getByLabel('Batch size').selectOption('8')
      await page.getByLabel('Regularization').selectOption('L2')
      await page.getByLabel('Noise').fill('15')
      link = '#points?data=spirals&noise=15&batch=8&layers=5-3&act=relu&opt=sgd&rate=0.1&reg=l2'
      await expectHash(page, link)
      await press(page, 'points', 'reset')
      loss = await steps(page)
    })
    await visit(link, async (page) => {
      expect(await steps(page)).toBe(loss)
      expect(await page.getByLabel('Optimizer').inputValue()).toBe('sgd')
      expect(await page.getByRole('group', { name: /^layer/ }).count()).toBe(2)
      await expectHash(page, link)
    })
  })

  thorough(
    'the output is the network’s own: a neuron pointed at is marked, and its weights are told',
    async () => {
      await visit('#points?data=xor&layers=2', async (page) => {
        await press(page, 'points', 'step')
        const panel = page.locator('#panel-points')
        const neuron = panel.getByRole('button', { name: 'Show layer 1, neuron 2 on the map' })
        const map = () =>
          panel
            .locator('.surface canvas')
            .first()
            .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL())
        const whole = await map()
        await neuron.click()
        await page.mouse.move(0, 0)
        await neuron.blur()
        expect(await neuron.getAttribute('aria-pressed')).toBe('true')
        expect(await panel.getByRole('heading', { name: 'Output of layer 1, neuron 2' }).count()).toBe(1)
        expect(await map()).not.toBe(whole)
        const told = await figure(page, 'points', 'neuron').innerText()
        const [, first, second] =
          /weights (−?[\d.]+) from input x1, (−?[\d.]+) from input x2/.exec(told) ?? []
        // the line from x1 to that neuron tells the same weight
        const line = await panel.locator('.net').evaluate((net) => {
          const [x1, , , to] = [...net.querySelectorAll('button')].map((button) =>
            button.getBoundingClientRect(),
          )
          return { x: x1.right + 0.02 * (to.left - x1.right), y: (x1.top + x1.bottom) / 2 }
        })
        await page.mouse.move(line.x, line.y)
        const tip = await panel.locator('.tip').innerText()
        expect(tip).toMatch(/^input x1 to layer 1, neuron [12]: weight −?[\d.]+$/)
        const end = await panel.locator('.net').evaluate((net) => {
          const [, x2, , to] = [...net.querySelectorAll('button')].map((button) =>
            button.getBoundingClientRect(),
          )
          return { x: to.left - 0.02 * (to.left - x2.right), y: (to.top + to.bottom) / 2 }
        })
        await page.mouse.move(end.x, end.y)
        const [, from, weight] =
          /^input (x[12]) to layer 1, neuron 2: weight (−?[\d.]+)$/.exec(
            await panel.locator('.tip').innerText(),
          ) ?? []
        const number = (text: string) => Number(text.replace('−', '-'))
        expect(Math.abs(number(weight) - number(from === 'x1' ? first : second))).toBeLessThan(0.0051)
        await neuron.click()
        await page.mouse.move(0, 0)
        await neuron.blur()
        expect(await map()).toBe(whole)
      })
    },
  )

  thorough(
    'told squares, a network without a layer finds a circle; told values, another finds them',
    async () => {
      await visit('#points?inputs=xx-yy&layers=&rate=0.1', async (page) => {
        await pressOften(page, 'points', 'step', 15)
        expect(await numberOf(page, 'points', 'test-accuracy')).toBeGreaterThan(95)
        // without the squares a straight border is all it can draw
        for (const name of ['x1', 'x2', 'x1²', 'x2²'])
          await page.locator('#panel-points .inputs').getByRole('button', { name, exact: true }).click()
        await expectHash(page, '#points?layers=&rate=0.1')
        await pressOften(page, 'points', 'step', 15)
        expect(await numberOf(page, 'points', 'test-accuracy')).toBeLessThan(75)
      })
      await visit('#points?data=plane&layers=', async (page) => {
        await pressOften(page, 'points', 'step', 20)
        expect(await numberOf(page, 'points', 'test-explained')).toBeGreaterThan(95)
        expect(await figure(page, 'points', 'test-accuracy').isVisible()).toBe(false)
      })
    },
  )

  thorough('at the usual speed learning can be watched', async () => {
    await visit('#points', async (page) => {
      await press(page, 'points', 'play')
      const begin = Date.now()
      await page.waitForTimeout(2000)
      const epochs = await numberOf(page, 'points', 'epoch')
      // no more than 8 a second: the border isn't there before one looks
      expect(epochs).toBeLessThanOrEqual(((Date.now() - begin) / 1000) * 8 + 2)
      expect(epochs).toBeGreaterThan(0)
    })
  })

  thorough('on a phone the map and the marked neuron’s own are beside what is pressed', async () => {
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
    const use = async (page: Page) => {
      const panel = page.locator('#panel-points')
      await panel.getByRole('button', { name: 'Show layer 1, neuron 1 on the map' }).tap()
      const [lens, net] = await Promise.all(
        ['.lens', '.net'].map((selector) => panel.locator(selector).boundingBox()),
      )
      if (!lens || !net) throw new Error('not in sight')
      expect(lens.y - (net.y + net.height)).toBeLessThan(40)
      const data = await panel.locator('.data').boundingBox()
      const map = await panel.locator('.surface').boundingBox()
      expect(data && map && data.y < map.y).toBe(true)
    }
    await visit('#points', use, phone)
  })

  thorough('points drawn with pointer and keys travel in the link', async () => {
    let link = ''
    await visit('#points', async (page) => {
      await page.locator('[data-set=own]').click()
      const square = page.locator('.surface canvas').last()
      await square.scrollIntoViewIfNeeded()
      const box = await square.boundingBox()
      if (!box) throw new Error('the square has no place')
      await page.mouse.click(box.x + box.width * 0.25, box.y + box.height * 0.25)
      await page.getByRole('button', { name: 'Orange' }).click()
      await square.focus()
      for (const key of ['ArrowRight', 'ArrowDown', 'Enter']) await page.keyboard.press(key)
      await expect.poll(() => hash(page)).toMatch(/^#points\?data=own&points=[0-9a-z]{10}$/)
      link = await hash(page)
    })
    await visit(link, async (page) => {
      expect(await page.locator('.surface canvas').last().getAttribute('aria-label')).toMatch(/with 2 points/)
      // another set's link has nothing to do with them, and back again they are there
      await page.locator('[data-set=moons]').click()
      await expectHash(page, '#points?data=moons')
      await page.locator('[data-set=own]').click()
      await expectHash(page, link)
    })
  })

  thorough('as many points are drawn as a link holds, and a stroke leaves few', async () => {
    const words = Array.from({ length: 601 }, (_, i) => (i * 9000).toString(36).padStart(5, '0'))
    await visit(`#points?data=own&points=${words.join('')}`, async (page) => {
      const square = page.locator('.surface canvas').last()
      const count = async () =>
        Number(/with (\d+) points/.exec((await square.getAttribute('aria-label')) ?? '')?.[1])
      await expectHash(page, `#points?data=own&points=${words.slice(0, 600).join('')}`)
      await square.click()
      expect(await count()).toBe(600)
      await page.getByText('600 points: more don’t fit in a link.').waitFor()

      await page.getByRole('button', { name: 'Clear' }).click()
      await press(page, 'points', 'play')
      await page.getByText('Draw some points first.').waitFor()
      expect(await page.locator('#panel-points [data-action=play]').innerText()).toBe('Play')

      const box = await square.boundingBox()
      if (!box) throw new Error('the square has no place')
      await page.mouse.move(box.x + box.width * 0.25, box.y + box.height * 0.5)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width * 0.75, box.y + box.height * 0.5, { steps: 100 })
      await page.mouse.up()
      expect(await count()).toBeGreaterThan(8)
      expect(await count()).toBeLessThan(20)
    })
  })

  thorough('a link full of nonsense gives the usual set-up', async () => {
    await visit('#points?data=nonsense&layers=99-0&rate=-1&batch=7&points=!!&opt=__proto__', async (page) => {
      await figure(page, 'points', 'epoch').waitFor()
      await expectHash(page, '#points')
      for (const link of [
        '#digits?hidden=999-999&rate=1e-320&seed=0x10',
        '#inside?step=1.5&seed=2.5&rate=0',
      ]) {
        await page.evaluate((text) => {
          location.hash = text
        }, link)
        await expectHash(page, link.split('?')[0])
      }
    })
  })

  thorough('what can’t be set up is said in the panel', async () => {
    await visit(
      '',
      async (page) => {
        await page.addInitScript(() => {
          const Instance = class {
            constructor() {
              throw new Error('no instance')
            }
          }
          Object.assign(WebAssembly, { Instance })
        })
        await page.reload()
        const alert = page.locator('#panel-points [role=alert]')
        await alert.waitFor()
        expect(await alert.innerText()).toMatch(/This can’t be shown: .*no instance/)
        expect(problems.length).toBe(1) // said once, not every frame
        problems.length = 0
      },
      {},
    )
  })

  thorough.each([
    ['on a desk', { width: 1280, height: 800 }],
    ['on a phone', { width: 390, height: 844 }],
  ])('training that diverges says so and stops; Reset begins anew: %s', async (_, viewport) => {
    const use = async (page: Page) => {
      const alarm = page.locator('#panel-points [role=alert]')
      expect(await alarm.isVisible()).toBe(false)
      await press(page, 'points', 'play')
      await alarm.waitFor({ state: 'visible', timeout: 60_000 })
      expect(await alarm.innerText()).toMatch(/diverged.*smaller learning rate, then press Reset/)
      const box = await alarm.boundingBox()
      expect(box && box.y >= 0 && box.y + box.height <= viewport.height && box.width <= viewport.width).toBe(
        true,
      )
      const play = page.locator('#panel-points [data-action=play]')
      expect(await play.innerText()).toBe('Play')
      const at = await numberOf(page, 'points', 'epoch')
      for (const action of ['step', 'play']) await press(page, 'points', action)
      expect([await numberOf(page, 'points', 'epoch'), await play.innerText()]).toEqual([at, 'Play'])
      await press(page, 'points', 'reset')
      expect(await alarm.isVisible()).toBe(false)
      expect(await numberOf(page, 'points', 'train-loss')).toBeGreaterThan(0)
    }
    await visit('#points?act=linear&opt=sgd&rate=3&speed=full', use, { viewport })
  })
}
