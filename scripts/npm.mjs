// How npm is started, on any system. Windows has it as npm.cmd, which only a shell can run, and a shell would take arguments
// apart; so where npm's own script is known, Node runs that.
import { existsSync } from 'node:fs'
import nodePath from 'node:path'

/**
 * The program and the arguments of `npm ...args`, for spawn without a shell.
 * @param {readonly string[]} args
 * @returns {[program: string, args: string[]]}
 */
export function npmCommand(
  args,
  { env = process.env, execPath = process.execPath, path = nodePath, exists = existsSync } = {},
) {
  const own = /npm-cli\.[cm]?js$/.test(env.npm_execpath ?? '') ? [env.npm_execpath] : []
  const beside = ['node_modules', '../lib/node_modules'].map((folder) =>
    path.join(path.dirname(execPath), folder, 'npm/bin/npm-cli.js'),
  )
  const script = [...own, ...beside].find((file) => exists(file))
  return script === undefined ? ['npm', [...args]] : [execPath, [script, ...args]]
}
