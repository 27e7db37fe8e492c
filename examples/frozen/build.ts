// The page as one file: the script bundled with what it names of the library, the frozen net and its kernels
// inside of it as text.
//
// In:  this folder, the built package. Out: the page's text.
import { readFileSync } from 'node:fs'
import { build } from 'esbuild'
import { coreFor } from 'lanegrad/freeze'
import { asciiOf, DECODER } from '../../src/cli/ascii.ts'
import { frozenNet } from './net.ts'

const SOURCE = 'examples/frozen'

export async function frozenPage(): Promise<string> {
  const net = frozenNet()
  const core = coreFor(net, readFileSync('dist/wasm/core.wasm'))
  const texts = [net, core].map((bytes) => `WASM_BYTES(${JSON.stringify(asciiOf(bytes))})`)
  const { outputFiles } = await build({
    entryPoints: [`${SOURCE}/page.ts`],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    tsconfigRaw: '{}', // "lanegrad/slim/run" is the built package, not its sources
    logLevel: 'warning',
    plugins: [
      {
        name: 'frozen-net',
        setup({ onLoad, onResolve }) {
          onResolve({ filter: /^net\.safetensors$/ }, ({ path }) => ({ path, namespace: 'net' }))
          onLoad({ filter: /.*/, namespace: 'net' }, () => ({
            contents: `${DECODER}\nexport const [file, core] = [${texts}]`,
          }))
        },
      },
    ],
  })
  const script = outputFiles[0].text.replaceAll('</script', '<\\/script').trim()
  const page = readFileSync(`${SOURCE}/index.html`, 'utf8')
    .replace(/\s*\n\s*/g, '\n')
    .replace('SCRIPT', () => script)
  return page
}
