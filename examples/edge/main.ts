// Learning at the edge: a Worker on workerd, Cloudflare's own runtime, learns from the samples in a request.
//
// In:  the command line (`npm run example -- edge --help`). Out: a report on stdout: what the Worker learned, on
//      samples it wasn't shown; what it costs, beside a Worker with the full library and the limits of the free plan; how
//      it refuses bad requests.
// worker.ts is the example, library.ts the other Worker; this file only plays their client.

import { Command } from 'commander'
import { input, model, reshape, upSampling1d } from 'lanegrad'
import { InputError } from '../shared/idx.ts'
import { positiveInteger, wholeFrom, wholeNumber } from '../shared/options.ts'
import { formatPercent } from '../shared/progress.ts'
import { wrapWords } from '../shared/report.ts'
import { print, runExample } from '../shared/run.ts'
import { freezeBase, type Penguin, readPenguins, trainBase } from './base.ts'
import { cpuMs, type Deployment, deploy, peakMegabytes } from './deploy.ts'

interface Options {
  samples: number
  epochs: number
  requests: number
  seed: number
}

const LIMITS = { startMs: 1000, cpuMs: 10, megabytes: 128, gzippedBytes: 3e6 }
// Penguins whose species the base knows; the others are for asking only.
const KNOWN = 200
const WARM_UP_REQUESTS = 20

const readOptions = (args: readonly string[]): Options =>
  new Command('npm run example -- edge')
    .description('Starts Workers that fine-tune a network from the samples in a request.')
    .option('--samples <n>', 'samples it is shown, from 2 to 200', wholeFrom(2, KNOWN), 60)
    .option('--epochs <n>', 'passes over the samples, at most 100', wholeFrom(1, 100), 30)
    .option('--requests <n>', 'predictions to take the CPU time of', positiveInteger, 200)
    .option('--seed <n>', 'governs weights and the order of samples', wholeNumber, 42)
    .allowExcessArguments(false)
    .parse(args, { from: 'user' })
    .opts<Options>()

interface Answer {
  readonly status: number
  readonly json: { readonly error?: string } & Record<string, unknown>
}

async function post(url: string, body: unknown): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url, { method: 'POST', body: text })
  return { status: response.status, json: await response.json() }
}

/** @throws InputError with what the Worker answered, where it refuses */
async function ask(url: string, body: unknown): Promise<Answer['json']> {
  const { status, json } = await post(url, body)
  if (status !== 200) throw new InputError(`the Worker answered ${status}: ${json.error}`)
  return json
}

/** The share of right answers. */
async function accuracyOf(url: string, penguins: readonly Penguin[], kept: object = {}): Promise<number> {
  const { predictions } = await ask(url, { x: penguins.map(({ x }) => x), ...kept })
  const labels = (predictions as { label: string }[]).map(({ label }) => label)
  return labels.filter((label, i) => label === penguins[i].label).length / penguins.length
}

/** A sound file, whose network would take much to run. */
function othersModel(): string {
  const x = input({ shape: [4] })
  const large = upSampling1d({ size: 60_000 })(reshape({ targetShape: [4, 1] })(x))
  return Buffer.from(model({ inputs: x, outputs: [large] }).save()).toString('base64')
}

const bad: readonly (readonly [what: string, path: string, body: unknown])[] = [
  ['no JSON', 'train', '{"samples": [NaN]}'],
  ['too large', 'train', ' '.repeat(70_000)],
  ['a hole in a sample', 'predict', { x: [[39.1, null, 181, 3750]] }],
  ['beyond float32', 'predict', '{"x": [[39.1, 18.7, 181, 1e999]]}'],
  ['three numbers', 'predict', { x: [[39.1, 18.7, 181]] }],
  ['one label', 'train', { samples: [{ x: [39.1, 18.7, 181, 3750], label: 'male' }] }],
  ['another network', 'predict', { x: [[39.1, 18.7, 181, 3750]], model: othersModel(), labels: ['a', 'b'] }],
  ['a deep list', 'predict', `{"x": [[39.1, 18.7, 181, ${'['.repeat(9000)}${']'.repeat(9000)}]]}`],
  ['a damaged model', 'predict', { x: [[39.1, 18.7, 181, 3750]], model: 'AAAA', labels: ['a', 'b'] }],
]

async function refusals(url: string): Promise<boolean> {
  print('Bad requests')
  let isRefused = true
  for (const [what, path, body] of bad) {
    const { status, json } = await post(url + path, body)
    print(`  ${what.padEnd(19)} ${status}`)
    for (const line of wrapWords(`${json.error}`, 76)) print(`    ${line}`)
    isRefused &&= status >= 400 && status < 500
  }
  return isRefused
}

/** What a Worker costs; null where the system doesn't tell. */
interface Cost {
  readonly kilobytes: number
  readonly startMs: number
  readonly startCpuMs: number | null
  readonly predictionMs: number | null
  readonly firstTrainingMs: number | null
  readonly trainingMs: number | null
  readonly megabytes: number | null
}

const cell = (value: number | null, unit: string): string =>
  (value === null ? 'not told' : `${value.toFixed(1)} ${unit}`).padStart(11)

/** Prints figures of both Workers beside their limit. */
function printCosts(frozen: Cost, library: Cost, requests: number): void {
  const rows: readonly (readonly [what: string, key: keyof Cost, unit: string, limit?: number])[] = [
    ['script and modules, gzipped', 'kilobytes', 'kB', LIMITS.gzippedBytes / 1000],
    ['start to the first answer', 'startMs', 'ms', LIMITS.startMs],
    ['CPU of that, of the whole process', 'startCpuMs', 'ms'],
    [`CPU of a prediction (mean of ${requests})`, 'predictionMs', 'ms', LIMITS.cpuMs],
    ['CPU of a training request, the first', 'firstTrainingMs', 'ms'],
    ['CPU of a training request, later', 'trainingMs', 'ms'],
    ['memory of the process, at its peak', 'megabytes', 'MB', LIMITS.megabytes],
  ]
  print(`${'Cost'.padEnd(38)}${'frozen'.padStart(11)}${'library'.padStart(11)}`)
  for (const [what, key, unit, limit] of rows) {
    const values = [frozen[key], library[key]]
    const isBeyond = limit !== undefined && values.some((value) => value !== null && value > limit)
    const verdict = limit === undefined ? '' : `  limit ${limit}${isBeyond ? ' BEYOND' : ''}`
    print(`  ${what.padEnd(36)}${values.map((value) => cell(value, unit)).join('')}${verdict}`)
  }
  print('  (training beyond 10 ms needs a paid plan, fewer samples or fewer epochs)\n')
}

/** Trains a Worker and asks it. Out: what it costs, and whether its answers are good. */
async function tryOut(worker: Deployment, penguins: readonly Penguin[], options: Options) {
  const { samples, epochs, requests } = options
  const shown = penguins.slice(0, samples)
  const others = penguins.slice(KNOWN)
  const pid = worker.child.pid ?? 0
  const cpuOf = async (work: () => Promise<unknown>): Promise<number | null> => {
    const before = cpuMs(pid)
    await work()
    const after = cpuMs(pid)
    return before === null || after === null ? null : after - before
  }
  print(`  workerd at ${worker.url}`)
  const training = { samples: shown.map(({ x, label }) => ({ x, label })), epochs }
  let answer: Answer['json'] = {}
  const firstTrainingMs = await cpuOf(async () => {
    answer = await ask(`${worker.url}train`, training)
  })
  const { model, labels, accuracy } = answer
  print(
    `  learned in one request: ${(labels as string[]).join(', ')}; ${shown.length} samples, ${epochs} epochs`,
  )
  print(`  right on the samples shown   ${formatPercent(accuracy as number)}`)
  const predictUrl = `${worker.url}predict`
  const right = await accuracyOf(predictUrl, others)
  const mostCommon = Math.max(
    ...['male', 'female'].map((label) => others.filter((own) => own.label === label).length),
  )
  print(`  right on ${others.length} others          ${formatPercent(right)}`)
  print(`  baseline: the commoner label ${formatPercent(mostCommon / others.length)}`)
  const isSame = (await accuracyOf(predictUrl, others, { model, labels })) === right
  print(`  with the model sent along    ${isSame ? 'the same' : 'OTHER ANSWERS'}\n`)

  const x = [others[0].x]
  for (let i = 0; i < WARM_UP_REQUESTS; i++) await ask(predictUrl, { x })
  const allMs = await cpuOf(async () => {
    for (let i = 0; i < requests; i++) await ask(predictUrl, { x })
  })
  const cost: Cost = {
    kilobytes: worker.gzippedBytes / 1000,
    startMs: worker.startMs,
    startCpuMs: worker.startCpuMs,
    predictionMs: allMs && allMs / requests,
    firstTrainingMs,
    trainingMs: await cpuOf(() => ask(`${worker.url}train`, training)),
    megabytes: peakMegabytes(pid),
  }
  return { cost, isGood: isSame && right > mostCommon / others.length }
}

async function run(options: Options): Promise<void> {
  const penguins = readPenguins(options.seed)
  const known = penguins.slice(0, KNOWN)
  print(`Base: the species of ${known.length} penguins, learned here`)
  const base = await trainBase(known, options.seed)
  const workers: Deployment[] = []
  try {
    print('Worker with the base frozen (worker.ts)')
    workers.push(await deploy('worker', freezeBase(base)))
    const frozen = await tryOut(workers[0], penguins, options)
    print('Worker with the full library (library.ts)')
    workers.push(await deploy('library', base))
    const library = await tryOut(workers[1], penguins, options)
    printCosts(frozen.cost, library.cost, options.requests)
    const isRefused = await refusals(workers[0].url)
    if (!(frozen.isGood && library.isGood && isRefused)) {
      print('\nA Worker answered wrongly: see above.')
      process.exitCode = 1
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.remove()))
  }
}

await runExample(() => run(readOptions(process.argv.slice(2))))
