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
  /** What the file needs beside kernels: hidden properties, each with the name of the module that has it. */
  readonly brought: readonly (readonly [key: string, module: string])[]
  /** The text of the package's slim/run/modules.js, which has no binaries inside: where `brought` comes from. */
  readonly bringer: string
  /** What `freeze` gave. */
  readonly file: Uint8Array
}

const bytesText = (bytes: Uint8Array): string => `()=>WASM_BYTES(${JSON.stringify(asciiOf(bytes))})`

function moduleText({ name, codes, binary }: KernelModule, brought: ScriptParts['brought']): string {
  if (typeof binary !== 'function') throw new Error(`the binary of ${name} isn't inside of this build`)
  const hidden = brought.flatMap(([key, own]) =>
    own === name ? `,${key}:FROZEN_BROUGHT.${name}.${key}` : [],
  )
  return `{name:${JSON.stringify(name)},codes:${JSON.stringify(codes)},binary:${bytesText(binary())}${hidden.join('')}}`
}

/** A script of the package as it can stand within another one, and what it calls each of its exports. */
function partOf(script: string) {
  const exported = /^export ?\{([^}]*)\};?$/m
  const [, names] = exported.exec(script) ?? ['', '']
  return {
    code: script
      .replace(exported, '')
      .replace(/^\/\/# sourceMappingURL=.*$/m, '')
      .trim(),
    inner: (name: string): string => new RegExp(`([\\w$]+) as ${name}\\b`).exec(names)?.[1] ?? name,
  }
}

/** The declaration of what `brought` names, in a scope of its own. */
function broughtText(brought: ScriptParts['brought'], script: string): string[] {
  if (brought.length === 0) return []
  const { code, inner } = partOf(script)
  const modules = [...new Set(brought.map(([, module]) => module))].map((name) => `${name}:${inner(name)}`)
  return [`const FROZEN_BROUGHT=(()=>{${code}`, `return {${modules.join()}}})()`]
}

/** Its names are longer than those of the minified runner, which it stands beside. */
export function trainerScript({ notes, runner, core, modules, brought, bringer, file }: ScriptParts): string {
  const { code, inner } = partOf(runner)
  const kept = ['applyGradients', 'fit', 'LanegradError', 'sampleWeights'].map(
    (name) => `${inner(name)} as ${name}`,
  )
  return [
    ...notes.map((line) => `// ${line}`),
    DECODER,
    code,
    ...broughtText(brought, bringer),
    `const FROZEN_CORE=${bytesText(core)}`,
    `const FROZEN_KERNELS=[${modules.map((module) => moduleText(module, brought)).join()}]`,
    `const FROZEN_FILE=${bytesText(file)}`,
    '/** A new trainer, from the frozen weights. @returns {import("lanegrad/run").Trainer} */',
    `export default function trainer() { return ${inner('open')}(FROZEN_FILE(), { core: FROZEN_CORE(), modules: FROZEN_KERNELS }) }`,
    `export { ${kept.join(', ')} }`,
    '',
  ].join('\n')
}
