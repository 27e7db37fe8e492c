// `npm run bench:browser`: the bench's training steps as a page for the browser at hand (--port N, default 8090 or the
// next free one). Leaves build/bench-browser and serves it on this machine only, cross-origin isolated, so that threads
// can share memory. The subjects are the bench's own; what they take from Node is replaced when they are bundled.
// TensorFlow.js takes part where the bench's dependencies are installed.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { subpaths } from '../../scripts/entries.mjs'
import { serve } from '../../scripts/playground.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))
const ROOT = join(HERE, '../..')
const PACKAGES = join(HERE, '../node_modules')
const TFJS_WASM = join(PACKAGES, '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm')

/** @param {string} name */
const versionOf = (name) => JSON.parse(readFileSync(join(PACKAGES, name, 'package.json'), 'utf8')).version

/**
 * What subjects ask of Node: whether lanegrad is built, and versions.
 * @param {Record<string, string>} versions
 * @returns {import('esbuild').Plugin}
 */
const withoutNode = (versions) => ({
  name: 'without-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'node' }))
    onLoad({ filter: /.*/, namespace: 'node' }, () => ({
      contents: 'module.exports = { existsSync: () => true }',
    }))
    onLoad({ filter: /bench[\\/]subjects[\\/]index\.mjs$/ }, () => ({
      contents: `const versions = ${JSON.stringify(versions)}
export const installedVersion = (name) => versions[name] ?? ''`,
    }))
  },
})

/** Makes the page in `folder`. @param {string} folder */
export async function buildPage(folder) {
  const hasTfjs = existsSync(TFJS_WASM)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await build({
    entryPoints: ['page', 'worker'].map((name) => join(HERE, `${name}.mjs`)),
    outdir: folder,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    logLevel: 'warning',
    alias: Object.fromEntries(
      ['', ...subpaths].map((name) => [
        posix.join('lanegrad', name),
        join(ROOT, `dist/${name || 'index'}.js`),
      ]),
    ),
    external: hasTfjs ? [] : ['@tensorflow/*'],
    define: { HAS_TFJS: String(hasTfjs) },
    plugins: [
      withoutNode({
        lanegrad: JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version,
        ...(hasTfjs && { '@tensorflow/tfjs-core': versionOf('@tensorflow/tfjs-core') }),
      }),
    ],
  })
  for (const name of ['index.html', 'style.css']) copyFileSync(join(HERE, name), join(folder, name))
  if (hasTfjs) copyFileSync(TFJS_WASM, join(folder, 'tfjs-backend-wasm-simd.wasm'))
  return { hasTfjs }
}

/** @param {string} folder @param {number} port  0: any free one */
export async function servePage(folder, port) {
  const { server, address } = await serve(folder, port)
  server.prependListener('request', (_, response) => {
    response.setHeader('cross-origin-opener-policy', 'same-origin')
    response.setHeader('cross-origin-embedder-policy', 'require-corp')
  })
  return { server, address }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = process.argv.slice(2)
  const port = args.includes('--port') ? Number(args[args.indexOf('--port') + 1]) : 8090
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    console.error('error: --port: expected a whole number from 0 to 65535')
    process.exit(2)
  }
  const folder = join(ROOT, 'build/bench-browser')
  const { hasTfjs } = await buildPage(folder)
  if (!hasTfjs) console.log('TensorFlow.js is left out: npm --prefix bench ci brings it')
  const { address } = await servePage(folder, port)
  console.log(`bench: ${address}  (Ctrl-C ends it)`)
}
