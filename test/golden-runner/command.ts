// The command behind `npm run golden -- DIR`. Enters: its arguments and where to print. Leaves: the exit code: 0 all
// passed or not run, 1 a case failed, 2 nothing could be run (no folder, no golden file, a broken one). Reads all
// files before it runs the first case. Never writes a file.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type GoldenCase, readCases } from './case.ts'
import { type Outcome, runCase } from './run.ts'

export interface Printer {
  log(line: string): void
  error(line: string): void
}

/** What a user can put right; the message says it all. */
class UsageError extends Error {}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`can't read ${path}: ${messageOf(error)}`)
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new UsageError(
      isAbsent ? `no such folder: ${folder}` : `can't read folder ${folder}: ${messageOf(error)}`,
    )
  }
}

/** The cases of every golden file of a folder; index.json lists cases and has none. */
export function casesIn(folder: string): GoldenCase[] {
  const names = namesIn(folder)
    .filter((name) => name.endsWith('.json') && name !== 'index.json')
    .sort()
  if (names.length === 0) throw new UsageError(`no golden file (*.json) in ${folder}`)
  const cases = names.flatMap((name) => {
    const path = join(folder, name)
    const text = read(path)
    try {
      return readCases(text)
    } catch (error) {
      throw new UsageError(`${path}: ${messageOf(error)}`)
    }
  })
  if (cases.length === 0) throw new UsageError(`no golden case in ${folder}`)
  return cases
}

/** Paths are relative to `workingFolder`. */
export function goldenCommand(args: readonly string[], workingFolder: string, printer: Printer): number {
  try {
    if (args.length !== 1) throw new UsageError('usage: npm run golden -- DIR')
    const counts: Record<Outcome['status'], number> = { passed: 0, failed: 0, 'not run': 0 }
    for (const golden of casesIn(resolve(workingFolder, args[0]))) {
      const { status, reasons } = runCase(golden)
      counts[status]++
      if (status !== 'passed') printer.log(`${status}: ${golden.id}: ${reasons.join('; ')}`)
    }
    printer.log(`${counts.passed} passed, ${counts.failed} failed, ${counts['not run']} not run`)
    return counts.failed > 0 ? 1 : 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    printer.error(`golden: ${error.message}`)
    return 2
  }
}
