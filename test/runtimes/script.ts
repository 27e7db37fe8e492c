// The suite in Node, Deno and Bun: `RUNTIME script.js CASES`. Enters: a file of golden cases. Leaves: the report, or
// what went wrong, as the only line on stdout.
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { runSuite, runVariants } from './suite.ts'

let result: object
try {
  const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'))
  result = { ...(await runSuite(cases)), variants: await runVariants(cases) }
} catch (error) {
  result = { error: String(error) }
}
console.log(JSON.stringify(result))
