// The conformance suite: one program for every runtime. Enters: the golden cases. Leaves: a report that survives JSON.
// Assumes only what every runtime has: JavaScript, WebAssembly, crypto.subtle, setTimeout. Each runtime's own way to
// start it is in script.ts, page.ts and worker.ts.
import type { GoldenCase } from '../golden-runner/case.ts'
import { runCase } from '../golden-runner/run.ts'
import { joined, trainNets } from './nets.ts'

export interface Report {
  /** As the runtime names itself; empty where it doesn't. */
  readonly version: string
  readonly engine: string
  /** Which of the library's binaries ran. There is one so far. */
  readonly variant: string
  readonly caseCount: number
  /** `id: reason` of each golden case that didn't pass. */
  readonly failed: readonly string[]
  /** Of the trained weights and predictions: the first digits of a SHA-256. */
  readonly hash: string
  /** The same by net, for telling which one differs. */
  readonly hashes: Readonly<Record<string, string>>
  /** Nets that were others after saving and loading. */
  readonly unsaved: readonly string[]
  /** What the library says where compiling WebAssembly is forbidden: by a page's policy, in workerd always. */
  readonly refusal?: string
}

const HASH_DIGITS = 16
/** Garbage collectors free a model's memory between turns: a page may hold some hundred of them only. */
const CASES_PER_TURN = 10

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

async function hashOf(parts: readonly Uint8Array[]): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', joined(parts)))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .slice(0, HASH_DIGITS)
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

export async function runSuite(cases: readonly GoldenCase[]): Promise<Report> {
  const failed: string[] = []
  for (const [i, golden] of cases.entries()) {
    const { status, reasons } = runCase(golden)
    if (status !== 'passed') failed.push(`${golden.id}: ${reasons[0] ?? status}`)
    if (i % CASES_PER_TURN === 0) await turn()
  }
  const trained = trainNets()
  const hashes = await Promise.all(
    trained.map(
      async ({ name, weights, predictions }) => [name, await hashOf([weights, predictions])] as const,
    ),
  )
  return {
    ...named(),
    variant: 'simd',
    caseCount: cases.length,
    failed,
    hash: await hashOf(trained.flatMap(({ weights, predictions }) => [weights, predictions])),
    hashes: Object.fromEntries(hashes),
    unsaved: trained.filter(({ survivesSaving }) => !survivesSaving).map(({ name }) => name),
  }
}
