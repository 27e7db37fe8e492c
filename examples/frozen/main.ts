// A page that learns in place: one HTML file with a frozen net, the core and nothing else of the library.
//
// In:  the command line (`npm run example -- frozen --help`). Out: the file, and how many bytes it has.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Command } from 'commander'
import { grouped, print, runExample } from '../shared/run.ts'
import { frozenPage } from './build.ts'

await runExample(async () => {
  const { output } = new Command('npm run example -- frozen')
    .description('Writes a page of one file that trains a frozen net.')
    .option('--output <path>', 'where the page goes', 'build/frozen.html')
    .allowExcessArguments(false)
    .parse(process.argv.slice(2), { from: 'user' })
    .opts<{ output: string }>()
  const page = await frozenPage()
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, page)
  const bytes = Buffer.from(page)
  print(`${output}: ${grouped(bytes.length)} bytes, ${grouped(gzipSync(bytes, { level: 9 }).length)} gzipped`)
  print('open it in a browser: it needs no server')
})
