// Learning at the edge: a Worker on workerd, Cloudflare's own runtime, learns from the samples in a request.
//
// In:  the command line (`npm run example -- edge --help`). Out: a report on stdout: what the Worker learned, on
//      samples it wasn't shown; what it costs beside the limits of the free plan; how it refuses bad requests.
// worker.ts is the example; this file only plays its client.

import { Command } from 'commander'
import { input, model, reshape, upSampling1d } from 'lanegrad'
import { InputError } from '../shared/idx.ts'
import { positiveInteger, wholeFrom, wholeNumber } from '../shared/options.ts'
import { formatPercent } from '../shared/progress.ts'
import { wrapWords } from '../shared/report.ts'
import { print, runExample } from '../shared/run.ts'
import { type Penguin, readPenguins, trainBase } from './base.ts'
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
    .description('Starts a Worker that fine-tunes a network from the samples in a request.')
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

const figureText = (value: number | null, unit: string): string =>
  value === null ? 'not told' : `${value.toFixed(1)} ${unit}`

/** Prints a figure beside its limit. */
function figure(what: string, value: number | null, limit: number, unit: string): void {
  const verdict = value !== null && value > limit ? '  BEYOND' : ''
  print(`  ${what.padEnd(42)} ${figureText(value, unit).padStart(9)}   limit ${limit} ${unit}${verdict}`)
}

const note = (what: string, ms: number | null): void =>
  print(`  ${what.padEnd(42)} ${figureText(ms, 'ms').padStart(9)}`)

async function run(options: Options): Promise<void> {
  const { samples, epochs, requests, seed } = options
  const penguins = readPenguins(seed)
  const known = penguins.slice(0, KNOWN)
  const shown = known.slice(0, samples)
  const others = penguins.slice(KNOWN)
  print(`Base: the species of ${known.length} penguins, learned here`)
  const base = await trainBase(known, seed)
  const worker: Deployment = await deploy(base)
  const pid = worker.child.pid ?? 0
  const cpuOf = async (work: () => Promise<unknown>): Promise<number | null> => {
    const before = cpuMs(pid)
    await work()
    const after = cpuMs(pid)
    return before === null || after === null ? null : after - before
  }
  try {
    print(`Worker: workerd at ${worker.url}`)
    const training = { samples: shown.map(({ x, label }) => ({ x, label })), epochs }
    let answer: Answer['json'] = {}
    const firstMs = await cpuOf(async () => {
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
    print('Cost')
    figure('script and modules, gzipped', worker.gzippedBytes / 1000, LIMITS.gzippedBytes / 1000, 'kB')
    figure('start: process, script, base, first answer', worker.startMs, LIMITS.startMs, 'ms')
    figure(`CPU of a prediction (mean of ${requests})`, allMs && allMs / requests, LIMITS.cpuMs, 'ms')
    figure('memory of the whole process at its peak', peakMegabytes(pid), LIMITS.megabytes, 'MB')
    const laterMs = await cpuOf(() => ask(`${worker.url}train`, training))
    note('CPU of a training request, the first', firstMs)
    note('CPU of a training request, later', laterMs)
    print('  (training beyond 10 ms needs a paid plan, fewer samples or fewer epochs)\n')
    const isRefused = await refusals(worker.url)
    if (!(isSame && isRefused && right > mostCommon / others.length)) {
      print('\nThe Worker answered wrongly: see above.')
      process.exitCode = 1
    }
  } finally {
    await worker.remove()
  }
}

await runExample(() => run(readOptions(process.argv.slice(2))))
