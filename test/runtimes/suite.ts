// The conformance suite: one program for every runtime. Enters: the golden cases. Leaves: a report that survives JSON, of
// what every runtime can, and of the variants that some can: threads, relaxed arithmetic. Assumes only what every runtime has:
// JavaScript, WebAssembly, crypto.subtle, setTimeout. Each runtime's own way to start it is in script.ts, page.ts and worker.ts.

import { dense, type RuntimeOptions, sequential } from '../../src/index.ts'
import { relaxed } from '../../src/relaxed/index.ts'
import { workers } from '../../src/threads/index.ts'
import type { GoldenCase } from '../golden-runner/case.ts'
import { runCaseInTurns } from '../golden-runner/run.ts'
import { joined, type Trained, trainNets } from './nets.ts'

/** What the cases and nets gave. */
export interface Result {
  readonly caseCount: number
  /** `id: reason` of each golden case that didn't pass. */
  readonly failed: readonly string[]
  /** The first digits of a SHA-256 of the trained weights and predictions. */
  readonly hash: string
  /** The same by net, for telling which one differs. */
  readonly hashes: Readonly<Record<string, string>>
  /** Nets that were others after saving and loading. */
  readonly unsaved: readonly string[]
}

/** A variant of the core, asked for. */
export interface Variant {
  /** As it was asked for. */
  readonly name: string
  /** What the model says it runs on. */
  readonly got: string
  /** What the console was told. */
  readonly told: readonly string[]
  /** Where it can be had. */
  readonly result?: Result
}

export interface Report extends Result {
  /** As the runtime names itself; empty where it doesn't. */
  readonly version: string
  readonly engine: string
  /** What the model says it runs on. */
  readonly variant: string
  /** Threads and relaxed arithmetic; of a page, in its worker. */
  readonly variants: readonly Variant[]
  /** Threads, asked for where none may be waited for: the main thread of a page. */
  readonly onMainThread?: Variant
  /** What the library says where compiling WebAssembly is forbidden: by a page's policy, in workerd always. */
  readonly refusal?: string
}

const HASH_DIGITS = 16
/** Garbage collectors free a model's memory between turns: a page may hold some hundred of them only. */
const CASES_PER_TURN = 10
/** Variants run every so many-th case: each model has a team of workers of its own. */
const VARIANTS_EVERY = 8

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

async function hashOf(parts: readonly Uint8Array[]): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', joined(parts)))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .slice(0, HASH_DIGITS)
}

/** By net, of its weights and predictions. */
export async function hashesOf(trained: readonly Trained[]): Promise<Record<string, string>> {
  const hashes = trained.map(
    async ({ name, weights, predictions }) => [name, await hashOf([weights, predictions])] as const,
  )
  return Object.fromEntries(await Promise.all(hashes))
}

interface Globals {
  readonly Deno?: { readonly version: { readonly deno: string; readonly v8: string } }
  readonly Bun?: { readonly version: string }
  readonly process?: { readonly version?: string; readonly versions?: Readonly<Record<string, string>> }
}

/** Version and engine, from what the runtime tells a program. */
function named(): Pick<Report, 'version' | 'engine'> {
  const { Deno, Bun, process } = globalThis as Globals
  const agent = typeof navigator === 'undefined' ? '' : (navigator.userAgent ?? '')
  const found = (pattern: RegExp): string => pattern.exec(agent)?.[1] ?? ''
  if (Deno) return { version: Deno.version.deno, engine: `V8 ${Deno.version.v8.split('-')[0]}` }
  if (Bun) return { version: Bun.version, engine: 'JavaScriptCore' }
  if (agent.includes('Cloudflare')) return { version: '', engine: 'V8' }
  if (agent.includes('Chrome/')) return { version: found(/Chrome\/(\S+)/), engine: 'V8' }
  if (agent.includes('Firefox/')) return { version: found(/Firefox\/(\S+)/), engine: 'SpiderMonkey' }
  if (agent.includes('AppleWebKit/'))
    return { version: found(/Version\/(\S+)/), engine: `JavaScriptCore ${found(/AppleWebKit\/(\S+)/)}` }
  return {
    version: (process?.version ?? '').replace('v', ''),
    engine: `V8 ${process?.versions?.v8?.split('-')[0] ?? ''}`,
  }
}

async function run(cases: readonly GoldenCase[], runtime: RuntimeOptions): Promise<Result> {
  const failed: string[] = []
  for (const [i, golden] of cases.entries()) {
    const { status, reasons } = await runCaseInTurns(golden, runtime)
    if (status !== 'passed') failed.push(`${golden.id}: ${reasons[0] ?? status}`)
    if (i % CASES_PER_TURN === 0) await turn()
  }
  const trained = await trainNets(runtime)
  return {
    caseCount: cases.length,
    failed,
    hash: await hashOf(trained.flatMap(({ weights, predictions }) => [weights, predictions])),
    hashes: await hashesOf(trained),
    unsaved: trained.filter(({ survivesSaving }) => !survivesSaving).map(({ name }) => name),
  }
}

/** `name` asked for by `runtime`; it is run where the model says it is `expected`. */
async function runVariant(
  name: string,
  runtime: RuntimeOptions,
  cases: readonly GoldenCase[],
  expected = name,
): Promise<Variant> {
  const told: string[] = []
  const { warn } = console
  console.warn = (...texts) => told.push(texts.join(' '))
  try {
    const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })], ...runtime })
    model.predict([[1]])
    const { variant: got } = model
    model.dispose()
    if (got !== expected) return { name, got, told }
    return { name, got, told, result: await run(cases, runtime) }
  } finally {
    console.warn = warn
  }
}

/** What every runtime can. */
export async function runSuite(
  cases: readonly GoldenCase[],
): Promise<Omit<Report, 'variants' | 'onMainThread'>> {
  const { variant } = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
  return { ...named(), variant, ...(await run(cases, {})) }
}

/** What some can, on some of the cases. */
export async function runVariants(cases: readonly GoldenCase[]): Promise<Variant[]> {
  const some = cases.filter((_, i) => i % VARIANTS_EVERY === 0)
  const threads = await runVariant('simd, 2 threads', { threads: workers(2) }, some)
  const fused = await runVariant('relaxed', { numerics: relaxed() }, some)
  if (!fused.result || !threads.result) return [threads, fused]
  return [
    threads,
    fused,
    await runVariant('relaxed, 2 threads', { numerics: relaxed(), threads: workers(2) }, some),
  ]
}

/** Threads on a page's main thread: there are none, and the bits are the same. */
export const runOnMainThread = (): Promise<Variant> =>
  runVariant('threads on the page', { threads: workers(2) }, [], 'simd, 1 thread')
