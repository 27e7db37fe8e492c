// Programs started, watched and ended. Enters: a command. Leaves: what it printed, or a reason that says how it ended.
// Each gets a process group of its own, so that browsers take their many processes with them.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

const TAIL_CHARACTERS = 400
const isWindows = process.platform === 'win32'

/** From asking a program to end to ending it. */
const GRACE_MS = 1500

/** The last of what it wrote to stderr, on one line. */
const tailOf = (text: string): string => text.trim().slice(-TAIL_CHARACTERS).replace(/\s+/g, ' ')

/** The groups that run; they don't get the terminal's Ctrl-C, being groups of their own. */
const groups = new Set<number>()

function kill(group: number, signal: NodeJS.Signals): void {
  try {
    if (isWindows) spawnSync('taskkill', ['/pid', `${group}`, '/t', '/f'])
    else process.kill(-group, signal)
  } catch {
    // it is gone already
  }
}

let isWatching = false
function endAllWithThisProcess(): void {
  if (isWatching) return
  isWatching = true
  process.on('exit', () => {
    for (const group of groups) kill(group, 'SIGKILL')
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
}

export interface Running {
  readonly child: ChildProcess
  /** Rejects when the program ends, or after the time limit; never resolves. */
  readonly ended: Promise<never>
  /** Ends the whole group; done when nothing of it holds its output any more. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly limitMs: number
  readonly env?: Readonly<Record<string, string>>
  /** Called with each piece of what it writes to the third descriptor. */
  readonly onControl?: (text: string) => void
}

export function start(command: string, args: readonly string[], options: StartOptions): Running {
  const { limitMs, env, onControl } = options
  const child = spawn(command, args, {
    detached: !isWindows,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let errors = ''
  child.stderr?.on('data', (data) => {
    errors += data
  })
  child.stdio[3]?.on('data', (data) => onControl?.(String(data)))
  let timer: NodeJS.Timeout | undefined
  const ended = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer in ${limitMs / 1000} s; ${tailOf(errors)}`)),
      limitMs,
    )
    child.on('error', reject)
    child.on('close', (code, signal) => reject(new Error(`ended with ${signal ?? code}: ${tailOf(errors)}`)))
  })
  ended.catch(() => {}) // who doesn't wait for it isn't told
  const group = child.pid
  endAllWithThisProcess()
  if (group !== undefined) groups.add(group)
  let isClosed = false
  const closed = new Promise<void>((resolve) => {
    child.on('close', () => {
      isClosed = true
      if (group !== undefined) groups.delete(group)
      resolve()
    })
    child.on('error', () => resolve())
  })
  const stop = async () => {
    clearTimeout(timer)
    if (isClosed || group === undefined) return
    kill(group, 'SIGTERM')
    const hurry = setTimeout(() => kill(group, 'SIGKILL'), GRACE_MS)
    await closed
    clearTimeout(hurry)
  }
  return { child, ended, stop }
}

/** What the command prints on stdout. @throws Error where it fails */
export async function output(command: string, args: readonly string[], limitMs: number): Promise<string> {
  const { child, ended, stop } = start(command, args, { limitMs, env: { DENO_NO_UPDATE_CHECK: '1' } })
  let text = ''
  child.stdout?.on('data', (data) => {
    text += data
  })
  try {
    return await ended.catch((error) => {
      if (child.exitCode !== 0) throw error
      return text
    })
  } finally {
    await stop()
  }
}
