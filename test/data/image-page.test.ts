// What only a page has as pictures: Chromium draws them, the built library reads them. Needs Chromium on the PATH (or its path in
// CHROMIUM) and playwright-core, and `npm run build`. Colors are compared with those that were painted.
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const places = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
const executablePath = [process.env.CHROMIUM ?? '', ...places].find((path) => path && existsSync(path))
const playwright = await import('playwright-core').catch(() => null)
const lacking = !executablePath ? 'no Chromium on the PATH' : playwright ? '' : 'no playwright-core'
const missing = process.env.CI ? lacking : 'CI alone'
if (missing) console.log(`image-page.test.ts is skipped: ${missing}`)

const file = (path: string) => new URL(`../../dist/${path}`, import.meta.url)
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"><rect width="2" height="2" fill="#f00"/>
  <rect x="2" width="2" height="2" fill="#00f"/></svg>`

const PAGE = (other: string) => `<!doctype html><script type="module">
  import { imageTensor } from '/data.js'
  const read = (source) => { const { shape, data } = imageTensor(source); return [shape.join(), [...data].join()] }
  const messageOf = (call) => { try { call(); return 'none' } catch (error) { return error.name + ': ' + error.message } }
  const painted = (canvas) => {
    const context = canvas.getContext('2d')
    context.fillStyle = '#f00'; context.fillRect(0, 0, 2, 2)
    context.fillStyle = '#00f'; context.fillRect(2, 0, 2, 2)
    return canvas
  }
  const imageFrom = (src, crossOrigin) => new Promise((done, fail) => {
    const image = new Image()
    if (crossOrigin) image.crossOrigin = crossOrigin
    image.onload = () => done(image)
    image.onerror = () => fail(new Error('not loaded: ' + src))
    image.src = src
  })
  window.result = (async () => {
    const canvas = painted(Object.assign(document.createElement('canvas'), { width: 4, height: 2 }))
    const bitmap = await createImageBitmap(canvas)
    const frame = new VideoFrame(canvas, { timestamp: 0 })
    const shown = {
      canvas: read(canvas),
      offscreen: read(painted(new OffscreenCanvas(4, 2))),
      imageData: read(canvas.getContext('2d').getImageData(0, 0, 4, 2)),
      bitmap: read(bitmap),
      frame: read(frame),
      image: read(await imageFrom('/picture.svg')),
      allowed: read(await imageFrom('${other}/picture.svg', 'anonymous')),
    }
    const refused = {
      foreign: messageOf(() => imageTensor(document.querySelector('#foreign'))),
      unloaded: messageOf(() => imageTensor(new Image())),
      video: messageOf(() => imageTensor(document.createElement('video'))),
      element: messageOf(() => imageTensor(document.createElement('p'))),
      empty: messageOf(() => imageTensor(Object.assign(document.createElement('canvas'), { width: 0 }))),
    }
    const foreign = await imageFrom('${other}/blocked.svg')
    refused.foreign = messageOf(() => imageTensor(foreign))
    const webgl = document.createElement('canvas')
    if (webgl.getContext('bitmaprenderer')) refused.context = messageOf(() => imageTensor(webgl))
    frame.close()
    refused.closed = messageOf(() => imageTensor(frame))
    return { shown, refused }
  })()
  window.ready = true
</script>`

const servers: Server[] = []
const serve = async (answer: (path: string) => { type: string; body: string | Buffer; cors?: boolean }) => {
  const server = createServer(({ url = '/' }, response) => {
    const { type, body, cors } = answer(url)
    response.writeHead(200, { 'content-type': type, ...(cors && { 'access-control-allow-origin': '*' }) })
    response.end(body)
  })
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

let base = ''
beforeAll(async () => {
  if (missing) return
  const picture = { type: 'image/svg+xml', body: SVG }
  const other = await serve((path) => ({ ...picture, cors: path === '/picture.svg' }))
  base = await serve((path) =>
    path.endsWith('.js')
      ? { type: 'text/javascript', body: readFileSync(file(path.slice(1))) }
      : path === '/picture.svg'
        ? picture
        : { type: 'text/html', body: PAGE(other) },
  )
})
afterAll(() => {
  for (const server of servers) server.close()
})

test.skipIf(missing)(
  'canvases, images, bitmaps and video frames of a page',
  async () => {
    if (!playwright) return
    const args =
      '--disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run'
    const browser = await playwright.chromium.launch({
      executablePath,
      args: ['--no-sandbox', ...args.split(' ')],
    })
    try {
      const page = await browser.newPage()
      await page.goto(base)
      await page.waitForFunction('window.ready')
      const { shown, refused } = (await page.evaluate('window.result')) as Record<
        string,
        Record<string, unknown>
      >
      const row = [1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1]
      const all = ['1,2,4,3', [...row, ...row].join()]
      const { frame, ...exact } = shown
      for (const [what, got] of Object.entries(exact)) expect([what, got]).toEqual([what, all])
      expect((frame as string[])[0]).toBe('1,2,4,3') // its colors may have passed through a video's
      const said = (text: string) => `LanegradError: imageTensor: source: ${text}`
      const pictures = 'an ImageData, a canvas, an image, a video frame, or { data, width, height }'
      expect(refused.foreign).toBe(
        said(
          'the picture is of another site, which must allow it (crossorigin="anonymous" and its CORS header)',
        ),
      )
      for (const what of ['unloaded', 'video', 'closed'])
        expect([what, refused[what]]).toEqual([
          what,
          said("the picture isn't loaded yet, or has no size; await its load event (img.decode())"),
        ])
      expect(String(refused.element)).toMatch(`LanegradError: imageTensor: source must be ${pictures}; got `)
      expect(refused.empty).toBe(said('the canvas has no size'))
      expect(refused.context).toBe(
        said('the canvas has a context of another kind than 2d; draw it onto one that has'),
      )
    } finally {
      await browser.close()
    }
  },
  60_000,
)
