// workerd, Cloudflare's runtime, serving one Worker on a free port. Enters: its binary, a folder with the Worker's
// modules. Leaves: the address. As on Cloudflare's machines, the Worker can't compile WebAssembly.
import { writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { type Running, start } from './processes.ts'

const COMPATIBILITY_DATE = '2026-10-01'

const kinds: Readonly<Record<string, string>> = { '.js': 'esModule', '.wasm': 'wasm' }

const moduleOf = (name: string): string =>
  `(name = "${name}", ${kinds[extname(name)] ?? 'data'} = embed "${name}")`

const configOf = (
  modules: readonly string[],
  compatibilityDate: string,
): string => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [
    ${modules.map(moduleOf).join(',\n    ')}
  ],
  compatibilityDate = "${compatibilityDate}",
);
`

export interface ServeOptions {
  readonly limitMs: number
  /** Which of workerd's changes it takes: those until then. Default 2026-10-01. */
  readonly compatibilityDate?: string
}

export interface Serving extends Running {
  readonly url: string
}

/** `modules`: files of `folder`, the Worker's own first. */
export async function serve(
  binary: string,
  folder: string,
  modules: readonly string[],
  { limitMs, compatibilityDate = COMPATIBILITY_DATE }: ServeOptions,
): Promise<Serving> {
  const config = join(folder, 'workerd.capnp')
  writeFileSync(config, configOf(modules, compatibilityDate))
  let running: Running | undefined
  const port = new Promise<number>((resolve) => {
    const onControl = (text: string) => {
      const found = /"port":(\d+)/.exec(text)
      if (found) resolve(Number(found[1]))
    }
    running = start(binary, ['serve', config, '--control-fd=3'], { limitMs, onControl })
  })
  try {
    return { ...running!, url: `http://127.0.0.1:${await Promise.race([port, running!.ended])}/` }
  } catch (error) {
    await running?.stop()
    throw error
  }
}
