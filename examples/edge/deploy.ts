// From the Worker's source to workerd serving it on this machine, and what it costs there.
//
// In:  a Worker's source, the bytes of its base network. Out: its address; sizes, CPU time, memory.
// The bundle is what a Worker's bundler makes: the condition "workerd", binaries and data as modules beside the script.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { coreFor } from 'lanegrad/freeze'
import { makeFolder, removeFolder } from '../../test/runtimes/folders.ts'
import { install } from '../../test/runtimes/install.ts'
import { workerd } from '../../test/runtimes/runtimes.ts'
import { type Serving, serve } from '../../test/runtimes/workerd.ts'

const SOURCES = 'examples/edge'
const LIMIT_MS = 120_000

export interface Deployment extends Serving {
  /** Of all modules together, gzipped. */
  readonly gzippedBytes: number
  /** From starting the process to the first answer. */
  readonly startMs: number
  /** CPU time until then, ms; null where the system doesn't tell. */
  readonly startCpuMs: number | null
  remove(): Promise<void>
}

/** workerd's program; gets it where it is missing. */
function program(): string | undefined {
  if (!workerd.find()) install([workerd])
  return workerd.find()
}

/** `name`: worker.ts or library.ts. */
export async function deploy(name: 'worker' | 'library', base: Uint8Array): Promise<Deployment> {
  const binary = program()
  if (!binary) throw new Error('no workerd on this machine: put it on the PATH')
  const folder = makeFolder('lanegrad-edge-')
  const remove = () => removeFolder(folder)
  try {
    const data = join(folder, 'base.safetensors')
    const core = join(folder, 'base.wasm')
    const out = join(folder, 'modules')
    mkdirSync(out)
    writeFileSync(data, base)
    if (name === 'worker') writeFileSync(core, coreFor(base, readFileSync('dist/wasm/core.wasm')))
    await build({
      entryPoints: [`${SOURCES}/${name}.ts`],
      outdir: out,
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      conditions: ['workerd'],
      alias: { 'base.safetensors': data, 'base.wasm': core },
      loader: { '.wasm': 'copy', '.safetensors': 'copy' },
      tsconfigRaw: '{}',
      logLevel: 'warning',
    })
    const others = readdirSync(out).filter((own) => own !== `${name}.js`)
    const modules = [`${name}.js`, ...others]
    const gzippedBytes = modules
      .map((own) => gzipSync(readFileSync(join(out, own))).length)
      .reduce((sum, bytes) => sum + bytes)
    const start = performance.now()
    const serving = await serve(binary, out, modules, { limitMs: LIMIT_MS })
    await (await fetch(serving.url)).text()
    const startMs = performance.now() - start
    return {
      ...serving,
      gzippedBytes,
      startMs,
      startCpuMs: cpuMs(serving.child.pid ?? 0),
      async remove() {
        await serving.stop()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** CPU time of all threads of the process so far, ms; null where the system doesn't tell (it isn't Linux). */
export function cpuMs(pid: number): number | null {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    const nanoseconds = tasks.map((task) =>
      Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
    )
    return nanoseconds.reduce((sum, own) => sum + own, 0) / 1e6
  } catch {
    return null
  }
}

/** The most memory the process had so far, MB; null where the system doesn't tell. */
export function peakMegabytes(pid: number): number | null {
  try {
    const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return found ? Number(found[1]) / 1024 : null
  } catch {
    return null
  }
}
