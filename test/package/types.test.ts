// The types of the installed package: compiled by every TypeScript that is supported, in every way of resolving modules,
// strictly and with the declarations themselves checked; and what checkers of packages say of its manifest.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../support/installed.ts'
import {
  installProject,
  lackOfTools,
  printedBy,
  type ToolProject,
  tool,
  toolPath,
  versions,
} from '../tools/tools.ts'

const lacking = lackOfTools()

const program = `
  import { bidirectional, type Callback, dense, glorotUniform, LanegradError, load, lstm, type Model, sequential, type Symbolic } from 'lanegrad'
  import { kFold, labelColumn, parseCsv, parseIdx } from 'lanegrad/data'
  import { freeze } from 'lanegrad/freeze'
  import { type Inspection, inspect, type ProfileRow, profile } from 'lanegrad/inspect'
  import { loadKeras, saveKeras } from 'lanegrad/keras'
  import { loadFrom, saveTo } from 'lanegrad/browser'
  import { loadFile, modelCheckpoint, progress, saveFile } from 'lanegrad/node'
  import { livePlot, plotHistory } from 'lanegrad/plot'
  import { loadOnnx, saveOnnx } from 'lanegrad/onnx'
  import { relaxed } from 'lanegrad/relaxed'
  import { fit, open, type Trainer } from 'lanegrad/run'
  import { all, convolution } from 'lanegrad/run/modules'
  import { init } from 'lanegrad/slim'
  import { trainTestSplit } from 'lanegrad/slim/data'
  import { freeze as freezeSlim } from 'lanegrad/slim/freeze'
  import { inspect as inspectSlim } from 'lanegrad/slim/inspect'
  import { csvLogger } from 'lanegrad/slim/node'
  import { relaxed as relaxedSlim } from 'lanegrad/slim/relaxed'
  import { init as initRun, open as openSlim } from 'lanegrad/slim/run'
  import { pooling } from 'lanegrad/slim/run/modules'
  import { workers as workersSlim } from 'lanegrad/slim/threads'
  import { serveModels } from 'lanegrad/slim/worker'
  import { workers } from 'lanegrad/threads'
  import { type Imported, loadTfjs, saveTfjs } from 'lanegrad/tfjs'
  import { loadStateDict, saveStateDict } from 'lanegrad/torch'
  import { workerModel } from 'lanegrad/worker'
  const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
  export const first: number = model.predict([[1, 2]]).data[0]
  export const same: Model<Symbolic> = model
  export const used = [LanegradError, parseCsv, init({ url: '/wasm/' }), trainTestSplit, serveModels, freezeSlim]
  sequential({ inputShape: [2], layers: [dense({ units: 1 })], threads: workers(2), numerics: relaxed() })
  export const inspection: Inspection = inspect(model)
  export const rows: readonly ProfileRow[] = profile(model, [[1, 2]], [3])
  export const slimKinds = [relaxedSlim().kind, workersSlim().kind, inspectSlim(model)]
  export const kerasNotes: readonly string[] = loadKeras(saveKeras(model)).importNotes
  export const kerasModel: Model<Symbolic> = loadKeras(saveKeras(model), { model })
  export const matchedNames: Record<string, string> = loadStateDict(model, [saveStateDict(model)], { names: { dense_1: 'dense_1' } })
  const notes: readonly string[] = loadOnnx(saveOnnx(model)).importNotes
  const imported: Promise<Imported<Symbolic>> = loadTfjs({ modelJson: saveTfjs(model)['model.json'], weights: saveTfjs(model)['weights.bin'] })
  export const importNotes: Promise<readonly string[]> = imported.then((there) => there.importNotes)
  export const kept: readonly Promise<Model | void>[] = [saveFile(model, 'a'), loadFile('a'), saveTo(model, 'indexeddb://a'), loadFrom('indexeddb://a')]
  export const drawing: string = plotHistory({ loss: [1] })
  export const watching: readonly Callback[] = [progress(), livePlot(null as never)]
  export const callbacks: readonly Callback[] = [modelCheckpoint({ path: 'a' }), csvLogger({ path: 'b' })]
  // @ts-expect-error: made by workers()
  sequential({ inputShape: [2], layers: [dense({ units: 1 })], threads: 2 })
  const trainer: Trainer = open(freeze(model, { train: [4], predict: [1, 4] }), { modules: [convolution, ...all] })
  export const stepLoss: number = trainer.trainStep([[1, 2]], [3]).loss
  export const fitted: Promise<number | undefined> = fit(trainer, [[1, 2]], [3], { epochs: 2 }).then(({ loss }) => loss.at(-1))
  export const slimmer = [initRun({ url: '/wasm/' }), openSlim(trainer.save(), { modules: [pooling] })]
  // @ts-expect-error: a list
  freeze(model, { train: 4 })
  const remote = workerModel(model, { worker: new Worker('worker.js', { type: 'module' }) })
  export const prediction: Promise<Float32Array> = remote.then(async (there) => (await there.predict([[1, 2]])).data)
  // @ts-expect-error: not any
  sequential({ inputShape: [2], layers: 5 })
  // @ts-expect-error: not any
  dense({ unit: 5 })
  // @ts-expect-error: an initializer of no layer
  dense({ units: 5, kernelInitializer: 'unitForgetBias' })
  // @ts-expect-error: it has no options
  dense({ units: 5, kernelInitializer: glorotUniform({ gain: 1 }) })
  lstm({ units: 5, activation: 'relu' })
  // @ts-expect-error: no activation
  lstm({ units: 5, activation: 'rleu' })
  // @ts-expect-error: reads no sequence
  bidirectional({ layer: dense({ units: 5 }) })
  export const loss: Promise<number | undefined> = model.fit([[1, 2]], [3]).then((history) => history.loss.at(-1))

  // where files and arrays go, and where files come from
  type Sent = ArrayBufferView<ArrayBuffer>
  export async function sent(url: string, writable: WritableStreamDefaultWriter<Sent>, file: ArrayBuffer) {
    const there = await remote
    const arrays = [
      model.save(), saveStateDict(model), saveOnnx(model, { opset: 17 }), trainer.save(), await there.save(), model.predict([[1, 2]]).data, (await there.predict([[1, 2]])).data,
      ...Object.values(model.gradients([[1, 2]], [3])).map(({ data }) => data),
      ...Object.values(model.getWeights()).map(({ data }) => data),
      parseIdx(file).data, labelColumn(parseCsv('a\\n1'), 'a').data, kFold(4, { folds: 2 })[0].train,
    ]
    for (const array of arrays) {
      const blob = new Blob([array])
      const response = new Response(array)
      await fetch(url, { method: 'POST', body: array })
      await crypto.subtle.digest('SHA-256', array)
      await writable.write(array)
      const buffer: ArrayBuffer = array.buffer
      console.log(blob.size, buffer.byteLength, load(await response.arrayBuffer()))
    }
  }
`
const ofNode = `import { writeFile } from 'node:fs/promises'
  import { Worker } from 'node:worker_threads'
  ${program.replace(", { type: 'module' }", '')}
  export const copy: Buffer = Buffer.from(model.save())
  export const written = writeFile('net.safetensors', model.save()).then(() => load(copy))`

const own = 'TypeScript of the library'
const compilers: Readonly<Record<string, string>> = {
  [`TypeScript ${versions['typescript-5.7'].split('@')[1]}`]: toolPath('typescript-5.7/bin/tsc'),
  [`TypeScript ${versions['typescript-5.9'].split('@')[1]}`]: toolPath('typescript-5.9/bin/tsc'),
  [`TypeScript ${versions.typescript}`]: toolPath('typescript/bin/tsc'),
  [own]: join(root, 'node_modules/typescript/bin/tsc'),
}
const inPage = { lib: ['es2022', 'dom'], types: [] }
const inNode = { lib: ['es2022'], types: ['node'] }
/** `module`, `moduleResolution`, what is declared besides. node10 is gone from TypeScript 6. */
const ways = [
  ['esnext', 'bundler', inPage],
  ['node16', 'node16', inPage],
  ['nodenext', 'nodenext', inNode],
  ['esnext', 'node10', inPage],
] as const
const cases = Object.keys(compilers).flatMap((name) =>
  ways
    .filter(([, resolution]) => resolution !== 'node10' || name.startsWith('TypeScript 5'))
    .map(([module, resolution, known]) => [name, module, resolution, known] as const),
)

describe.skipIf(lacking)(`the installed package${lacking}`, () => {
  let project: ToolProject
  beforeAll(() => {
    project = installProject()
  }, 120_000)
  afterAll(() => project?.remove())

  test.each(cases)(
    '%s: module %s, moduleResolution %s, %j: strict, skipLibCheck false',
    { timeout: 240_000 },
    async (name, module, moduleResolution, known) => {
      const into = `types-${cases.findIndex((one) => one[0] === name && one[2] === moduleResolution)}`
      const file = moduleResolution === 'node10' ? 'main.ts' : 'main.mts'
      project.write(`${into}/${file}`, known === inNode ? ofNode : program)
      const typeRoots = [join(root, 'node_modules/@types')]
      const options = { module, moduleResolution, target: 'es2022', ...known, typeRoots }
      const strictly = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false }
      // how ours stand beside TypeScript's own declarations is no matter of resolving: looked at once for pages, once for Node
      const quickly = { skipDefaultLibCheck: known === inPage && moduleResolution !== 'bundler' }
      const compilerOptions = { ...options, ...strictly, ...quickly, noEmit: true }
      project.write(`${into}/tsconfig.json`, JSON.stringify({ compilerOptions, files: [file] }))
      const args = [compilers[name], '-p', into]
      const printed = await printedBy(process.execPath, args, { cwd: project.folder }).catch(String)
      expect(printed).toBe('')
    },
  )

  test('publint finds nothing', async () => {
    const { publint } = await tool('publint')
    const pkgDir = join(project.folder, 'node_modules/lanegrad')
    const { messages } = await publint({ pkgDir, strict: true })
    expect(messages).toEqual([])
  })

  test('are the types wrong? no', { timeout: 240_000 }, () => {
    const tarball = readdirSync(project.folder).find((name) => name.endsWith('.tgz')) ?? ''
    const attw = toolPath('@arethetypeswrong/cli/dist/index.js')
    const args = [attw, join(project.folder, tarball), '--profile', 'esm-only', '--format', 'json']
    let printed: string
    try {
      printed = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
    } catch (error) {
      printed = (error as { stdout: string }).stdout
    }
    const { analysis } = JSON.parse(printed)
    expect(analysis.types).toEqual({ kind: 'included' })
    const problems: { kind: string; resolutionKind: string }[] = analysis.problems
    const found = new Set(problems.map(({ kind, resolutionKind }) => `${kind} ${resolutionKind}`))
    // what a package of ES modules has: require() of one is Node's own
    expect([...found].sort()).toEqual(['CJSResolvesToESM node16-cjs'])
  })
})
