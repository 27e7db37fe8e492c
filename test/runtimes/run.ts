// The suite on the runtimes of this machine, one after the other. Enters: which runtimes, how many of the golden cases.
// Leaves: a row per runtime.
import { removeFolder } from './folders.ts'
import { howToGet } from './install.ts'
import type { Row } from './rows.ts'
import type { Runtime } from './runtimes.ts'
import { stage } from './stage.ts'

export interface RunOptions {
  /** Every so many-th golden case is run. Default 1: all. */
  readonly every?: number
  /** Per runtime. */
  readonly limitMs: number
  readonly onRow?: (row: Row) => void
  /** false: begins no further runtime; those have no row. */
  readonly isTime?: () => boolean
}

export async function runOn(runtimes: readonly Runtime[], options: RunOptions): Promise<Row[]> {
  const { every, limitMs, onRow, isTime = () => true } = options
  const { folder, caseCount } = await stage(every)
  const rows: Row[] = []
  try {
    for (const runtime of runtimes) {
      if (!isTime()) break
      const { name } = runtime
      const program = runtime.find()
      let row: Row
      if (program === undefined) row = { runtime: name, absent: howToGet(runtime) }
      else {
        const start = performance.now()
        try {
          const report = await runtime.run(program, { folder, limitMs })
          const error =
            report.caseCount === caseCount ? undefined : `${report.caseCount} of ${caseCount} cases run`
          row = { runtime: name, report, error, seconds: (performance.now() - start) / 1000 }
        } catch (error) {
          row = { runtime: name, error: error instanceof Error ? error.message : String(error) }
        }
      }
      rows.push(row)
      onRow?.(row)
    }
  } finally {
    removeFolder(folder)
  }
  return rows
}
