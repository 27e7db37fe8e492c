// A frozen file to one ES module that needs nothing else: the runner, the core and the modules of kernels for
// the file, the file.
import type { KernelModule } from '../binaries/kernel-module.ts'
import { asciiOf, DECODER } from './ascii.ts'

interface ScriptParts {
  /** The lines of comment at its top. */
  readonly notes: readonly string[]
  /** The text of the package's slim/run.js, which has no core inside. */
  readonly runner: string
  /** The core for `file`. */
  readonly core: Uint8Array
  /** Those whose binaries are functions, as the default build has them. */
  readonly modules: readonly KernelModule[]
  /** What `freeze` gave. */
  readonly file: Uint8Array
}

const bytesText = (bytes: Uint8Array): string => `()=>WASM_BYTES(${JSON.stringify(asciiOf(bytes))})`

function moduleText({ name, codes, binary }: KernelModule): string {
  if (typeof binary !== 'function') throw new Error(`the binary of ${name} isn't inside of this build`)
  return `{name:${JSON.stringify(name)},codes:${JSON.stringify(codes)},binary:${bytesText(binary())}}`
}

/** Its names are longer than those of the minified runner, which it stands beside. */
export function trainerScript({ notes, runner, core, modules, file }: ScriptParts): string {
  const exported = /^export ?\{([^}]*)\};?$/m
  const [, names] = exported.exec(runner) ?? ['', '']
  const inner = (name: string): string => new RegExp(`(\\w+) as ${name}\\b`).exec(names)?.[1] ?? name
  const kept = ['fit', 'LanegradError'].map((name) => `${inner(name)} as ${name}`).join(', ')
  return [
    ...notes.map((line) => `// ${line}`),
    DECODER,
    runner
      .replace(exported, '')
      .replace(/^\/\/# sourceMappingURL=.*$/m, '')
      .trim(),
    `const FROZEN_CORE=${bytesText(core)}`,
    `const FROZEN_KERNELS=[${modules.map(moduleText).join()}]`,
    `const FROZEN_FILE=${bytesText(file)}`,
    '/** A new trainer, from the frozen weights. @returns {import("lanegrad/run").Trainer} */',
    `export default function trainer() { return ${inner('open')}(FROZEN_FILE(), { core: FROZEN_CORE(), modules: FROZEN_KERNELS }) }`,
    `export { ${kept} }`,
    '',
  ].join('\n')
}
