// The playground's tab Teach in Chromium with a camera that is a moving test picture: pictures by hand and by camera, nets by files and
// by address, without a network, and what goes wrong said in words. Runs with CI=1 alone: a minute. playground-teach.test.ts tries
// the worker's part without a page.
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPlayground, serve } from '../../scripts/playground.mjs'
import { load, type Model, type Symbolic } from '../../src/index.ts'
import { loadOnnx } from '../../src/onnx/index.ts'
import { runtimes } from '../runtimes/runtimes.ts'

const executablePath = process.env.CHROMIUM ?? runtimes.find(({ name }) => name === 'chromium')?.find()
const missing = !process.env.CI
  ? ' (skipped: CI=1 runs it)'
  : executablePath
    ? ''
    : ' (skipped: no Chromium on the PATH)'
if (missing) console.log(`playground-teach-page.test.ts: the page isn't opened${missing}`)

const FOLDER = 'build/playground-teach'
/** Browsers on a busy machine take their time. */
const soon: typeof expect.poll = (get, options) => expect.poll(get, { timeout: 20_000, ...options })

/** A file as the driver gives it to an input. */
interface Given {
  name: string
  mimeType: string
  buffer: Buffer
}

/** A picture of one color with noise, as an uncompressed BMP of 40 x 30. */
function picture(name: string, [red, green, blue]: readonly number[], seed: number): Given {
  const [width, height] = [40, 30]
  const buffer = Buffer.alloc(54 + width * height * 3)
  buffer.write('BM')
  buffer.writeUInt32LE(buffer.length, 2)
  buffer.writeUInt32LE(54, 10)
  buffer.writeUInt32LE(40, 14)
  buffer.writeInt32LE(width, 18)
  buffer.writeInt32LE(height, 22)
  buffer.writeUInt16LE(1, 26)
  buffer.writeUInt16LE(24, 28)
  for (let i = 0; i < width * height; i++) {
    const noise = (((i + 1) * (seed + 1) * 7919) % 61) - 30
    for (const [channel, value] of [blue, green, red].entries()) buffer[54 + i * 3 + channel] = value + noise
  }
  return { name: `${name}${seed}.bmp`, mimeType: 'image/bmp', buffer }
}
const reds = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => picture('red', [180, 60, 60], from + i))
const blues = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => picture('blue', [60, 60, 180], from + i))

/** What is said of the net of `sample`: its weights are 32-bit numbers. */
const OF_SAMPLE = `model.json: ${sample()[1].buffer.length / 4} parameters`

/** A sample of TensorFlow.js as the files of a net. */
function sample(): [json: Given, shard: Given] {
  const { modelTopology, weightSpecs, weights } = JSON.parse(
    readFileSync('test/interchange/tfjs/conv2d_s2_same.json', 'utf8'),
  )
  const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }]
  const json = Buffer.from(JSON.stringify({ modelTopology, weightsManifest, format: 'layers-model' }))
  return [
    { name: 'model.json', mimeType: 'application/json', buffer: json },
    { name: 'weights.bin', mimeType: 'application/octet-stream', buffer: Buffer.from(weights, 'base64') },
  ]
}

describe.skipIf(missing)(`the tab${missing}`, { timeout: 120_000 }, () => {
  let browser: Browser
  let server: Server
  let address = ''
  /** Another site, which has a net and lets others have it, by its address; or doesn't, below /closed. */
  let elsewhere: Server
  let elsewhereAddress = ''

  beforeAll(async () => {
    await buildPlayground(FOLDER)
    ;({ server, address } = await serve(FOLDER, 0))
    const files = new Map(sample().map(({ name, buffer }) => [name, buffer]))
    elsewhere = createServer(({ url = '' }, response) => {
      const found = files.get(url.split('/').at(-1) ?? '')
      const isOpen = !url.startsWith('/closed')
      response.writeHead(found ? 200 : 404, isOpen ? { 'access-control-allow-origin': '*' } : {}).end(found)
    })
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done))
    elsewhereAddress = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']
    browser = await chromium.launch({
      executablePath: executablePath as string,
      args: [...args, '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    server?.close()
    elsewhere?.close()
  })

  /** Opens the tab; in the end nothing may have been complained about on the console but what `isFine`. */
  async function visit(
    use: (page: Page) => Promise<void>,
    {
      isFine = () => false,
      link = '#teach',
      ...options
    }: BrowserContextOptions & { isFine?: (text: string) => boolean; link?: string } = {},
  ): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
    const problems: string[] = []
    try {
      const page = await context.newPage()
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type()) && !isFine(message.text()))
          problems.push(message.text())
      })
      page.on('pageerror', (error) => problems.push(String(error)))
      await page.goto(address + link)
      // the worker has made its first net
      await page.getByText('The head gets 231 numbers').waitFor()
      await use(page)
      expect(problems).toEqual([])
    } finally {
      await context.close()
    }
  }

  const figure = (page: Page, name: string) => page.locator(`#panel-teach [data-figure=${name}]`)
  const press = (page: Page, action: string) => page.locator(`#panel-teach [data-action=${action}]`).click()
  const card = (page: Page, at: number) => page.locator('#panel-teach .kind').nth(at)
  const countOf = (page: Page, at: number) => card(page, at).locator('.thumb').count()
  const give = (page: Page, at: number, files: Given[]) =>
    card(page, at).locator('input[type=file]').setInputFiles(files)
  const alarm = (page: Page, part = '') => page.locator(`#panel-teach ${part} [role=alert]:visible`).first()
  const giveNet = (page: Page, files: Given[]) =>
    page.getByLabel('Files … with a net').and(page.locator('input')).setInputFiles(files)
  const testWith = (page: Page, file: Given) =>
    page.getByLabel('Test picture from a file').and(page.locator('input')).setInputFiles([file])
  const hold = async (page: Page, at: number, ms: number) => {
    const box = await card(page, at).locator('[data-action=hold]').boundingBox()
    if (!box) throw new Error('the button has no place')
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
    await page.mouse.down()
    await page.waitForTimeout(ms)
    await page.mouse.up()
  }
  /** Red and blue pictures as files, taught. */
  async function teach(page: Page, count = 4): Promise<void> {
    await give(page, 0, reds(0, count))
    await give(page, 1, blues(0, count))
    await soon(() => figure(page, 'status').innerText()).toBe('Press Teach.')
    await press(page, 'teach')
    await soon(() => figure(page, 'check').innerText()).toMatch(/In a check/)
  }
  const tells = (page: Page, name: string) =>
    soon(() => figure(page, 'verdict').innerText()).toBe(`It takes this for ${name}.`)

  test('files are given, a head is taught, pictures that it hasn’t seen are told, without a network', async () => {
    await visit(async (page) => {
      await page.context().setOffline(true)
      expect(await figure(page, 'status').innerText()).toBe('Give Class 1 and Class 2 a few pictures each.')
      expect(await page.locator('[data-action=teach]').isDisabled()).toBe(true)
      await page.getByLabel('Name of class 1').fill('rust')
      await page.getByLabel('Name of class 2').fill('sea')
      await teach(page)
      expect(await figure(page, 'check').innerText()).toMatch(
        /^It has learned in .* s, and tells all 8 pictures that it has learned from\. In a check, each picture was told by a head that hadn’t seen it: 8 of 8 right\.$/,
      )
      await testWith(page, reds(50, 1)[0])
      await tells(page, 'rust')
      await testWith(page, blues(50, 1)[0])
      await tells(page, 'sea')
      // another name is said at once, and needs no teaching
      await page.getByLabel('Name of class 2').fill('sky')
      await testWith(page, blues(51, 1)[0])
      await tells(page, 'sky')
      // a net of files as well
      await giveNet(page, sample())
      await page.getByText(OF_SAMPLE).waitFor()
      expect(await figure(page, 'verdict').innerText()).toBe('Nothing is taught yet.')
      await press(page, 'teach')
      await tells(page, 'sky')
      await testWith(page, reds(52, 1)[0])
      await tells(page, 'rust')
    })
  })

  test('files are dropped: pictures on a class and on the answers, a net on its panel', async () => {
    await visit(async (page) => {
      const drop = async (selector: string, files: Given[]) => {
        const given = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, bytes: [...buffer] }))
        await page
          .locator(selector)
          .first()
          .evaluate((element, list) => {
            const dataTransfer = new DataTransfer()
            for (const { name, mimeType, bytes } of list)
              dataTransfer.items.add(new File([Uint8Array.from(bytes)], name, { type: mimeType }))
            for (const type of ['dragenter', 'dragover', 'drop'])
              element.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }))
          }, given)
      }
      await drop('#panel-teach .kind', reds(0, 3))
      await drop('#panel-teach .kind:nth-child(2)', blues(0, 3))
      await drop('#panel-teach .which .drop', sample())
      await page.getByText(OF_SAMPLE).waitFor()
      expect([await countOf(page, 0), await countOf(page, 1)]).toEqual([3, 3])
      await soon(() => figure(page, 'status').innerText()).toBe('Press Teach.')
      await press(page, 'teach')
      await drop('#panel-teach .answer .drop', blues(50, 1))
      await tells(page, 'Class 2')
    })
  })

  test('what is taught is downloaded, and predicts what the bars say', async () => {
    await visit(async (page) => {
      await teach(page)
      await testWith(page, reds(50, 1)[0])
      await tells(page, 'Class 1')
      const said = await page.locator('#panel-teach .bars .num').allInnerTexts()
      const files = new Map<string, Buffer>()
      for (const name of ['safetensors', 'onnx', 'labels']) {
        const waiting = page.waitForEvent('download')
        await press(page, `save-${name}`)
        const download = await waiting
        files.set(download.suggestedFilename(), readFileSync(await download.path()))
      }
      expect([...files.keys()]).toEqual(['taught.safetensors', 'taught.onnx', 'labels.txt'])
      expect(files.get('labels.txt')?.toString()).toBe('Class 1\nClass 2')
      const bytes = (name: string) => new Uint8Array(files.get(name) as Buffer)
      const models: Model<Symbolic>[] = [load(bytes('taught.safetensors')), loadOnnx(bytes('taught.onnx'))]
      // one color, since the browser's own resizing isn't known here
      const plain = {
        shape: [1, 64, 64, 3],
        data: Float32Array.from({ length: 64 * 64 * 3 }, (_, i) => (i % 3 ? 60 : 180) / 255),
      }
      const [first, second] = models.map((model) => [...model.predict(plain).data])
      expect(first[0]).toBeGreaterThan(0.5)
      for (const [i, share] of first.entries()) expect(second[i]).toBeCloseTo(share, 5)
      expect(said.map((text) => Number.parseInt(text, 10)).reduce((sum, n) => sum + n, 0)).toBe(100)
    })
  })

  test('the camera gives pictures while a button is held, by keys as well, and live answers', async () => {
    await visit(async (page) => {
      await press(page, 'camera')
      await page.getByRole('button', { name: 'Camera off' }).waitFor()
      await expect
        .poll(() => page.locator('video').evaluate((video: HTMLVideoElement) => video.videoWidth))
        .toBeGreaterThan(0)
      await hold(page, 0, 900)
      const held = await countOf(page, 0)
      expect(held).toBeGreaterThan(2)
      await page.waitForTimeout(500)
      expect(await countOf(page, 0)).toBe(held) // let go
      await card(page, 0).locator('[data-action=hold]').focus()
      await page.keyboard.press('Space')
      expect(await countOf(page, 0)).toBe(held + 1)
      // pressed by a program, as a screen reader does
      await card(page, 0)
        .locator('[data-action=hold]')
        .evaluate((button: HTMLElement) => button.click())
      await soon(() => countOf(page, 0)).toBe(held + 2)
      await give(page, 1, blues(0, 5))
      await soon(() => figure(page, 'status').innerText()).toBe('Press Teach.')
      await press(page, 'teach')
      // what the camera sees is green all the time, and that is what the first class is
      await tells(page, 'Class 1')
      await soon(() => figure(page, 'speed').innerText()).toMatch(/^An answer takes .* ms\.$/)
      // a picture of the other kind counts while it is shown, then the camera again
      await testWith(page, blues(55, 1)[0])
      await tells(page, 'Class 2')
      await press(page, 'forget')
      await tells(page, 'Class 1')
      // another net under the running answers, and Reset under them: nothing is complained about
      await giveNet(page, sample())
      await page.getByText(OF_SAMPLE).waitFor()
      await soon(() => figure(page, 'status').innerText()).toBe('Press Teach.')
      await press(page, 'teach')
      await tells(page, 'Class 1')
      expect(await alarm(page).count()).toBe(0)
      await press(page, 'camera')
      await soon(() => figure(page, 'verdict').innerText()).toMatch(/^Switch the camera on/)
      await press(page, 'camera')
      await tells(page, 'Class 1')
      await press(page, 'reset')
      await soon(() => figure(page, 'verdict').innerText()).toBe('Nothing is taught yet.')
      await page.getByText('The head gets 231 numbers').waitFor()
      expect(await alarm(page).count()).toBe(0)
    })
  })

  test('the camera goes off when the tab is left and at Reset, which removes everything', async () => {
    await visit(async (page) => {
      const isOn = () => page.locator('video').evaluate((video: HTMLVideoElement) => video.srcObject !== null)
      await hold(page, 0, 1500) // an off camera is switched on first
      expect(await isOn()).toBe(true)
      expect(await countOf(page, 0)).toBeGreaterThan(0)
      const held = await countOf(page, 0)
      await page.locator('#tab-speed').click()
      await soon(isOn).toBe(false)
      await page.locator('#tab-teach').click()
      expect([await isOn(), await countOf(page, 0)]).toEqual([false, held])
      await press(page, 'camera')
      await soon(isOn).toBe(true)
      await press(page, 'add-class')
      await giveNet(page, sample())
      await page.getByText(OF_SAMPLE).waitFor()
      await give(page, 1, blues(0, 3))
      await press(page, 'teach')
      await press(page, 'reset')
      expect([await isOn(), await countOf(page, 0), await countOf(page, 1)]).toEqual([false, 0, 0])
      expect(await page.locator('#panel-teach .kind').count()).toBe(2)
      await page.getByText('The head gets 231 numbers').waitFor()
      expect(await figure(page, 'status').innerText()).toBe('Give Class 1 and Class 2 a few pictures each.')
      expect(await figure(page, 'check').innerText()).toBe('')
      expect(await alarm(page).count()).toBe(0)
      await teach(page) // and everything goes on
    })
  })

  test('classes are added, named and removed, pictures taken out; what is taught stays until it is taught again', async () => {
    await visit(async (page) => {
      await teach(page, 3)
      await press(page, 'add-class')
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
        'Name of class 3',
      )
      await page.keyboard.type('leaf')
      await give(page, 2, [picture('green', [60, 180, 60], 0), picture('green', [60, 180, 60], 1)])
      await expect
        .poll(() => figure(page, 'status').innerText())
        .toBe('The pictures are others now: press Teach again.')
      expect(await page.locator('#panel-teach .bars .track').count()).toBe(2)
      await press(page, 'teach')
      await soon(() => page.locator('#panel-teach .bars .track').count()).toBe(3)
      await testWith(page, picture('green', [60, 180, 60], 7))
      await tells(page, 'leaf')
      await page.getByRole('button', { name: 'Remove picture 2 of leaf' }).click()
      expect(await countOf(page, 2)).toBe(1)
      expect(await card(page, 2).locator('[data-figure=count]').innerText()).toBe('1 picture')
      await expect
        .poll(() => figure(page, 'status').innerText())
        .toBe('The pictures are others now: press Teach again.')
      await press(page, 'teach')
      await expect
        .poll(() => figure(page, 'check').innerText())
        .toMatch(/A class with one picture can’t be checked/)
      await page.getByRole('button', { name: 'Remove leaf' }).click()
      expect(await page.locator('#panel-teach .kind').count()).toBe(2)
      for (const remove of await page.locator('[data-action=remove-class]').all())
        expect(await remove.isDisabled()).toBe(true)
    })
  })

  test('a picture in the wrong class is marked by the check', async () => {
    await visit(async (page) => {
      await give(page, 0, [...reds(0, 4), ...blues(9, 1)])
      await give(page, 1, blues(0, 4))
      await soon(() => figure(page, 'status').innerText()).toBe('Press Teach.')
      await press(page, 'teach')
      await expect
        .poll(() => figure(page, 'check').innerText())
        .toMatch(/8 of 9 right\. The one with a red border was taken for another class\.$/)
      const wrong = page.locator('#panel-teach .thumb.wrong')
      expect(await wrong.count()).toBe(1)
      expect(await wrong.getAttribute('aria-label')).toBe(
        'Remove picture 5 of Class 1, which was taken for Class 2',
      )
    })
  })

  test('a net is fetched from another site, if that lets it; a link holds the address', async () => {
    const net = `${elsewhereAddress}/nets/model.json`
    const closed = `${elsewhereAddress}/closed/model.json`
    const missing = `${elsewhereAddress}/nets/other.onnx`
    const isFine = (text: string) => /CORS|404|ERR_FAILED/.test(text) // the browser's own words for two of them
    const use = async (page: Page) => {
      expect(await page.getByLabel('Address').inputValue()).toBe(net)
      await press(page, 'fetch')
      await page.getByText(`${OF_SAMPLE}; it takes color pictures of 8 × 7.`).waitFor()
      for (const [text, words] of [
        [closed, /model\.json can.t be fetched: .*CORS/],
        [missing, /other\.onnx can.t be fetched: 404/],
        [`${elsewhereAddress}/nets/`, /The address must be that of a net/],
      ] as const) {
        await page.getByLabel('Address').fill(text)
        await press(page, 'fetch')
        await soon(() => alarm(page, '.which').innerText()).toMatch(words)
      }
      await soon(() => page.evaluate(() => location.hash)).toContain(encodeURIComponent('/nets/'))
      // what was there before is there still
      expect(await figure(page, 'net').innerText()).toContain(OF_SAMPLE)
      await press(page, 'built-in')
      await page.getByText('The head gets 231 numbers').waitFor()
    }
    await visit(use, { isFine, link: `#teach?${new URLSearchParams({ net })}` })
  })

  test('what can’t be read is said in words: pictures, nets, a camera that isn’t allowed', async () => {
    await visit(async (page) => {
      const text = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') }
      await give(page, 0, [text, ...reds(0, 2)])
      await soon(() => countOf(page, 0)).toBe(2)
      expect(await alarm(page).innerText()).toBe('No picture that this browser can read: notes.txt.')
      await testWith(page, text)
      await expect
        .poll(() => alarm(page, '.answer').innerText())
        .toBe('notes.txt can’t be read as a picture.')
      const [json, shard] = sample()
      const foreign = json.buffer.toString().replaceAll('"Conv2D"', '"Conv2DWithMagic"')
      for (const [files, words] of [
        [[text], /^No net is among these files/],
        [[json], /weights\.bin/],
        [[{ ...json, buffer: Buffer.from(foreign) }, shard], /Conv2DWithMagic/],
        [[{ ...text, name: 'a.onnx' }], /ONNX/],
        [[{ ...text, name: 'a.keras' }], /expected a \.keras file/],
      ] as const) {
        await giveNet(page, [...files])
        await soon(() => alarm(page, '.which').innerText()).toMatch(words)
      }
      await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = () =>
          Promise.reject(new DOMException('denied', 'NotAllowedError'))
      })
      await press(page, 'camera')
      await soon(() => alarm(page, '.look').innerText()).toMatch(/^The camera isn’t allowed here\./)
      await page.getByRole('button', { name: 'Camera on' }).waitFor()
    })
  })

  test.each([
    ['a desk, light', { viewport: { width: 1280, height: 900 }, colorScheme: 'light' }],
    [
      'a phone, dark',
      { viewport: { width: 390, height: 844 }, colorScheme: 'dark', isMobile: true, hasTouch: true },
    ],
  ] as const)('on %s nothing is too wide, and every text stands out', async (_, options) => {
    await visit(async (page) => {
      await teach(page, 3)
      await testWith(page, reds(50, 1)[0])
      await tells(page, 'Class 1')
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(options.viewport.width)
      const faint = await page.evaluate(() => {
        const rgba = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number)
        const light = (color: readonly number[]) => {
          const [r, g, b] = color.map((value) => {
            const share = value / 255
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
          })
          return 0.2126 * r + 0.7152 * g + 0.0722 * b
        }
        const ground = (element: Element | null): number[] => {
          const color = element ? rgba(getComputedStyle(element).backgroundColor) : [255, 255, 255]
          return color.length === 4 && color[3] === 0 ? ground(element?.parentElement ?? null) : color
        }
        const texts = [...document.querySelectorAll<HTMLElement>('#panel-teach *')].filter(
          (element) =>
            element.checkVisibility() &&
            !(element as HTMLButtonElement).disabled &&
            [...element.childNodes].some(
              (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim(),
            ),
        )
        return texts.flatMap((element) => {
          const [one, other] = [light(rgba(getComputedStyle(element).color)), light(ground(element))]
          const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
          return contrast < 4.5 ? [`${element.textContent}: ${contrast.toFixed(2)}`] : []
        })
      })
      expect(faint).toEqual([])
    }, options)
  })
})
