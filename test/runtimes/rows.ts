// What came of each runtime, as a table and as a verdict. Enters: a row per runtime. Leaves: text, and what is wrong.
// Variants stand below their runtime: threads give the same bits, relaxed arithmetic passes the same cases.
import recorded from '../recorded-bits.json' with { type: 'json' }
import type { Report, Result, Variant } from './suite.ts'

export interface Row {
  readonly runtime: string
  readonly seconds?: number
  readonly report?: Report
  /** It is not on this machine: how to get it. */
  readonly absent?: string
  /** It is there and didn't run the suite. */
  readonly error?: string
}

const HEAD = ['runtime', 'version', 'engine', 'variant', 'cases', 'hash', 'seconds']

const counted = ({ caseCount, failed }: Result): string => `${caseCount - failed.length}/${caseCount}`

/** Why it isn't here: the model's word on it, and the console's. */
const reasonOf = ({ got, told }: Variant): string => told[0] ?? got

function variantCells(variant: Variant): string[] {
  const { name, result } = variant
  if (!result) return ['', '', '', name, `none; ${reasonOf(variant)}`]
  return ['', '', '', name, counted(result), result.hash, '']
}

function cells({ runtime, seconds = 0, report, absent, error }: Row): string[][] {
  if (absent !== undefined) return [[runtime, `not here; ${absent}`]]
  if (report === undefined) return [[runtime, `failed: ${error}`]]
  const { version, engine, variant, hash, variants, onMainThread } = report
  const others = onMainThread ? [...variants, onMainThread] : variants
  const own = [runtime, version, engine, variant, counted(report), hash, seconds.toFixed(1)]
  return [own, ...others.map(variantCells)]
}

/** Rows of seven cells in columns; the last cell of a shorter one is text that may be long. */
export function tableOf(rows: readonly Row[]): string {
  const all = [HEAD, ...rows.flatMap(cells)]
  const widths = HEAD.map((_, column) =>
    Math.max(
      ...all
        .filter(({ length }) => length === HEAD.length || column < length - 1)
        .map((row) => row[column].length),
    ),
  )
  return all
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Cases failed, models that files change, bits that are to be the same and differ. */
function resultFaults(who: string, result: Result, [like, expected]: readonly [string, Result]): string[] {
  const others = Object.keys(result.hashes).filter((name) => result.hashes[name] !== expected.hashes[name])
  return [
    ...result.failed.map((reason) => `${who}: ${reason}`),
    ...result.unsaved.map((name) => `${who}: the net ${name} is another after saving and loading`),
    ...(result.hash === expected.hash ? [] : [`${who}: not the bits of ${like} (${others.join(', ')})`]),
  ]
}

/** Reasons to lack a variant that aren't the library's fault. WebKitGTK's MiniBrowser isolates no page. */
const isGoodReason = (runtime: string, reason: string): boolean =>
  /its wasm came compiled, for one thread|no relaxed SIMD here/.test(reason) ||
  (runtime === 'webkit' && /memory can't be shared/.test(reason))

function variantFaults(runtime: string, report: Report, first: readonly [string, Result]): string[] {
  const { variants, onMainThread } = report
  const relaxed = variants.find(({ name }) => name === 'relaxed')
  const faults = variants.flatMap((variant) => {
    const { name, result, told } = variant
    const who = `${runtime}, ${name}`
    const reason = reasonOf(variant)
    if (!result) return isGoodReason(runtime, reason) ? [] : [`${who}: none; ${reason}`]
    const like = name.startsWith('simd')
      ? first
      : ([`${runtime}, relaxed`, relaxed?.result ?? result] as const)
    return [...told.map((text) => `${who}: ${text}`), ...resultFaults(who, result, like)]
  })
  if (!onMainThread) return faults
  const { name, result, told, got } = onMainThread
  const who = `${runtime}, ${name}`
  const isTold = told.length === 1 && /main thread must not wait.*lanegrad\/worker/.test(told[0])
  return [
    ...faults,
    ...(isTold ? [] : [`${who}: not told once, but: ${JSON.stringify(told)}`]),
    ...(result ? resultFaults(who, result, first) : [`${who}: ${got}`]),
  ]
}

/** Nets whose bits are others than those on record: those of the versions before. */
export const changedNets = (
  hashes: Readonly<Record<string, string>>,
  record: Readonly<Record<string, string>> = recorded,
): string[] =>
  [...new Set([...Object.keys(hashes), ...Object.keys(record)])].filter(
    (name) => hashes[name] !== record[name],
  )

/**
 * What must not be: results that are not those on record, faults of results, variants lacking without a reason, a refusal left
 * unexplained.
 */
export function faultsOf(
  rows: readonly Row[],
  record: Readonly<Record<string, string>> = recorded,
): string[] {
  const first = rows.find(({ report }) => report)
  const changed = first?.report ? changedNets(first.report.hashes, record) : []
  const faults = rows.flatMap(({ runtime, report, error }) => {
    if (error !== undefined) return [`${runtime}: ${error}`]
    if (!report || !first?.report) return []
    const { refusal } = report
    const like = [first.runtime, first.report] as const
    return [
      ...resultFaults(runtime, report, like),
      ...variantFaults(runtime, report, like),
      ...(refusal === undefined ||
      /LanegradError: .*forbids (compiling )?WebAssembly: .*'(wasm-unsafe-eval|workerd)'/.test(refusal)
        ? []
        : [`${runtime}: where compiling WebAssembly is forbidden, no clear error but: ${refusal}`]),
    ]
  })
  return changed.length === 0
    ? faults
    : [`${first?.runtime}: not the recorded bits (${changed.join(', ')})`, ...faults]
}
