// The playground in a real browser: every tab is opened and used, as a visitor would, and nothing may be said on the
// console. Needs Chromium on the PATH (or its path in CHROMIUM) and playwright-core; without them only the build is
// tested. Numbers come from definitions: xor can be learned, gradients equal difference quotients, the same link gives
// the same bits. How fast the page is decides nothing here.
import { accessSync, constants, readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPlayground, pageBytes, serve, teachBytes } from '../../scripts/playground.mjs'

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

/** What axe-core finds, as far as it is read. */
interface AxeResults {
  violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
}

/** What the page does at its edges: with CI=1 alone, since each opens the page anew. */
const thorough = test.runIf(process.env.CI)
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

  const figure = (page: Page, tab: string, name: string) =>
    page.locator(`#panel-${tab} [data-figure=${name}]`)
  const numberOf = async (page: Page, tab: string, name: string) =>
    Number.parseFloat((await figure(page, tab, name).innerText()).replaceAll(',', ''))
  const press = (page: Page, tab: string, action: string) =>
    page.locator(`#panel-${tab} [data-action=${action}]`).click()
  /** The same `count` times, a frame for each; the driver itself takes several for a click. */
  const pressOften = (page: Page, tab: string, action: string, count: number) =>
    page.locator(`#panel-${tab} [data-action=${action}]`).evaluate(async (button: HTMLElement, times) => {
      for (let i = 0; i < times; i++) {
        button.click()
        await new Promise(requestAnimationFrame)
      }
    }, count)
  const hash = (page: Page) => page.evaluate(() => location.hash)
  /** The link a moment after a change. */
  const expectHash = (page: Page, text: string) => expect.poll(() => hash(page)).toBe(text)

  test('code from text is refused: the policy holds', async () => {
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

  describe('Points', () => {
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

    test('the output is the network’s own: a neuron pointed at is marked, and its weights are told', async () => {
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
    })

    test('told squares, a network without a layer finds a circle; told values, another finds them', async () => {
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
    })

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
        expect(await page.locator('.surface canvas').last().getAttribute('aria-label')).toMatch(
          /with 2 points/,
        )
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
      await visit(
        '#points?data=nonsense&layers=99-0&rate=-1&batch=7&points=!!&opt=__proto__',
        async (page) => {
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
        },
      )
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
        expect(
          box && box.y >= 0 && box.y + box.height <= viewport.height && box.width <= viewport.width,
        ).toBe(true)
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
  })

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

  test('Digits: accuracy rises, and a digit is recognized', async () => {
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

  describe('Inside', () => {
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
    test.each([
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

    test('the drawing keeps what was computed; gradients flow back beneath it', async () => {
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

    test('the outputs are learned; the memory map names every weight', async () => {
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
  })

  test('Speed: both sides run and compute the same loss', async () => {
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

  test('every tab has its title and its guide; Reset stops what runs', async () => {
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

  test('on a phone nothing is wider than the screen', async () => {
    const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }
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
        expect(await page.evaluate(() => document.documentElement.scrollWidth), link).toBe(360)
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

  describe('for everyone', () => {
    const links = [
      'points?data=hills',
      'digits',
      'teach',
      'inside?stage=path2',
      'inside?stage=check',
      'speed',
    ]
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
                  nodes.map(
                    ({ html, failureSummary }) => `${location.hash} ${id}: ${html} ${failureSummary}`,
                  ),
                )
              })),
            )
          }
          expect(found).toEqual([])
        }
        await visit('', use, { colorScheme, viewport })
      },
    )

    // axe-core leaves drawings out
    test('text of drawings stands out by 4.5 to 1 in both themes', async () => {
      for (const colorScheme of ['light', 'dark'] as const) {
        const use = async (page: Page) => {
          await figure(page, 'inside', 'row').waitFor()
          const ratios = await page.evaluate(() => {
            const style = getComputedStyle(document.documentElement)
            const light = (name: string) => {
              const hex = style.getPropertyValue(`--${name}`).trim()
              const full = hex.length === 4 ? hex.replace(/[^#]/g, '$&$&') : hex
              const [r, g, b] = [1, 3, 5].map((at) => {
                const part = Number.parseInt(full.slice(at, at + 2), 16) / 255
                return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
              })
              return 0.2126 * r + 0.7152 * g + 0.0722 * b
            }
            const pairs = [
              ...['ink', 'muted', 'accent'].map((text) => [text, 'card']),
              ...['ink', 'accent'].map((text) => [text, 'field']),
              ...['ink', 'muted'].map((text) => [text, 'mark']),
            ]
            return pairs.map(([text, ground]) => {
              const [a, b] = [light(text), light(ground)].sort((x, y) => y - x)
              return { name: `${text} on ${ground}`, ratio: (a + 0.05) / (b + 0.05) }
            })
          })
          for (const { name, ratio } of ratios) expect(ratio, `${name}, ${colorScheme}`).toBeGreaterThan(4.5)
        }
        await visit('#inside', use, { colorScheme })
      }
    })

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
  })

  test('every control has a name', async () => {
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
})
