// Binaries as texts, and what makes bytes of them again: src/cli/ascii.ts, as it serves scripts that `lanegrad freeze` writes.
import { build } from 'esbuild'

const { outputFiles } = await build({ entryPoints: ['src/cli/ascii.ts'], format: 'esm', write: false })

export const { asciiOf, DECODER } = await import(
  `data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`
)
