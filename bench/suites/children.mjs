// Fresh processes, one at a time, and what each tells. Enters: what child.mjs is to do. Leaves: its answer.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url))
const run = promisify(execFile)

/** @param {string[]} args @returns {Promise<{ ms: number, againMs: number, cpuMs: number, megabytes: number }>} */
export async function askChild(...args) {
  const { stdout } = await run(process.execPath, ['--expose-gc', CHILD, ...args])
  return JSON.parse(/** @type {string} */ (stdout.trim().split('\n').at(-1)))
}
