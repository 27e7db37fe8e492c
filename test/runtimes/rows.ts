// What came of each runtime, as a table and as a verdict. Enters: a row per runtime. Leaves: text, and what is wrong.
import type { Report } from './suite.ts'

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

function cells({ runtime, seconds = 0, report, absent, error }: Row): string[] {
  if (absent !== undefined) return [runtime, `not here; ${absent}`]
  if (report === undefined) return [runtime, `failed: ${error}`]
  const { version, engine, variant, caseCount, failed, hash } = report
  const passed = `${caseCount - failed.length}/${caseCount}`
  return [runtime, version, engine, variant, passed, hash, seconds.toFixed(1)]
}

/** Rows of seven cells in columns; a row of two is one line of text. */
export function tableOf(rows: readonly Row[]): string {
  const all = [HEAD, ...rows.map(cells)]
  const widths = HEAD.map((_, column) =>
    Math.max(...all.filter(({ length }) => column === 0 || length > 2).map((row) => row[column].length)),
  )
  return all
    .map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]))).join('  '))
    .join('\n')
}

/** What must not be: cases failed, bits that differ, models that files change, a refusal left unexplained. */
export function faultsOf(rows: readonly Row[]): string[] {
  const first = rows.find(({ report }) => report)
  return rows.flatMap(({ runtime, report, error }) => {
    if (error !== undefined) return [`${runtime}: ${error}`]
    if (!report || !first?.report) return []
    const { failed, unsaved, hashes, hash, refusal } = report
    const { report: expected } = first
    const others = Object.keys(hashes).filter((name) => hashes[name] !== expected.hashes[name])
    return [
      ...failed.map((reason) => `${runtime}: ${reason}`),
      ...unsaved.map((name) => `${runtime}: the net ${name} is another after saving and loading`),
      ...(hash === expected.hash
        ? []
        : [`${runtime}: not the bits of ${first.runtime} (${others.join(', ')})`]),
      ...(refusal === undefined ||
      /LanegradError: .*forbids (compiling )?WebAssembly: .*'(wasm-unsafe-eval|workerd)'/.test(refusal)
        ? []
        : [`${runtime}: where compiling WebAssembly is forbidden, no clear error but: ${refusal}`]),
    ]
  })
}
