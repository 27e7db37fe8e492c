// What ONNX files are held against, where it is installed: onnxruntime-web (npm --prefix test/interchange ci) runs them, and the
// checker of Debian's python3-onnx judges them.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NamedArray } from '../../src/index.ts'
import { root } from '../support/installed.ts'
import { canRun, PYTHON } from '../support/python.ts'

/** What is used of it. */
interface Runtime {
  readonly env: { logLevel: string; readonly wasm: { numThreads: number } }
  readonly Tensor: new (type: string, data: NamedArray['data'], dims: readonly number[]) => unknown
  readonly InferenceSession: {
    create(
      bytes: Uint8Array,
      options: object,
    ): Promise<{
      run(feeds: object): Promise<Record<string, { readonly data: Float32Array; readonly dims: number[] }>>
      release(): Promise<void>
    }>
  }
}

function runtimeOf(): Runtime | null {
  try {
    const runtime: Runtime = createRequire(join(root, 'test/interchange/package.json'))('onnxruntime-web')
    runtime.env.wasm.numThreads = 1
    return runtime
  } catch {
    console.log('skipped: onnxruntime-web is not installed (npm --prefix test/interchange ci)')
    return null
  }
}
export const runtime = runtimeOf()

/** Runs a file on some inputs; the outputs by their names. */
export async function runFile(
  { InferenceSession, Tensor }: Runtime,
  bytes: Uint8Array,
  inputs: Readonly<Record<string, NamedArray>>,
  graphOptimizationLevel: 'all' | 'disabled' = 'all',
): Promise<Record<string, { readonly data: Float32Array; readonly shape: readonly number[] }>> {
  const options = { executionProviders: ['wasm'], logSeverityLevel: 3, graphOptimizationLevel }
  const session = await InferenceSession.create(bytes, options)
  const feeds = Object.entries(inputs).map(([name, { data, shape }]) => [
    name,
    new Tensor(
      ArrayBuffer.isView(data) && data.constructor.name === 'Int32Array' ? 'int32' : 'float32',
      data,
      shape,
    ),
  ])
  const results = await session.run(Object.fromEntries(feeds))
  await session.release()
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, dims }]) => [name, { data, shape: dims }]),
  )
}

const CHECK = `
import glob, json, os, sys, onnx, onnx.checker
found = {}
for path in glob.glob(os.path.join(sys.argv[1], '*.onnx')):
    try: onnx.checker.check_model(onnx.load(path), full_check=True)
    except Exception as error: found[os.path.basename(path)] = str(error)
print(json.dumps(found))`

export const checks = canRun(PYTHON, 'import onnx.checker')

/** What the checker finds wrong, by the names of the files. */
export function problemsOf(files: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'lanegrad-onnx-'))
  try {
    for (const [name, bytes] of files) writeFileSync(join(folder, `${name}.onnx`), bytes)
    return JSON.parse(execFileSync(PYTHON, ['-c', CHECK, folder], { encoding: 'utf8' }))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
