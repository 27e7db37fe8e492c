// `npm run test:runtimes -- [--install] [NAME...]`: the suite on every runtime, or on those named, which then must be
// here. Leaves: the table on stdout; exit code 0, 1 where a row fails, differs or a named runtime is absent, 2 for a bad
// command.
import { parseArgs } from 'node:util'
import { install } from './install.ts'
import { faultsOf, tableOf } from './rows.ts'
import { runOn } from './run.ts'
import { runtimes } from './runtimes.ts'

const LIMIT_MS = 180_000
const names = runtimes.map(({ name }) => name)
const USAGE = `npm run test:runtimes -- [--install] [--help] [NAME...]
  --install  get what is missing: Debian packages as root, npm's into a cache folder
  NAME       ${names.join(', ')}; default all`

/** @throws Error saying what is wrong with the command */
function readCommand() {
  const options = { install: { type: 'boolean' }, help: { type: 'boolean' } } as const
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const unknown = positionals.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`no runtime ${unknown}`)
  return { ...values, positionals }
}

async function main(): Promise<number> {
  const command = (() => {
    try {
      return readCommand()
    } catch (error) {
      console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`)
      return null
    }
  })()
  if (!command) return 2
  if (command.help) {
    console.log(USAGE)
    return 0
  }
  const { positionals } = command
  const wanted = runtimes.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  if (command.install) install(wanted.filter((runtime) => !runtime.find()))

  // rows are told on a terminal as they come; the table is the result
  const onRow = ({ runtime }: { runtime: string }) => console.error(`${runtime} done`)
  const rows = await runOn(wanted, { limitMs: LIMIT_MS, ...(process.stderr.isTTY && { onRow }) })
  console.log(tableOf(rows))
  const absent = rows.flatMap(({ runtime, absent }) =>
    absent !== undefined && positionals.length > 0 ? [`${runtime}: not here`] : [],
  )
  const faults = [...faultsOf(rows), ...absent]
  for (const fault of faults) console.log(fault)
  const count = rows.filter(({ report }) => report).length
  if (faults.length === 0) console.log(`the same bits on ${count} runtimes`)
  return faults.length === 0 && count > 0 ? 0 : 1
}

process.exitCode = await main()
