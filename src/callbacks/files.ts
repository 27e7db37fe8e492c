// Files, where the runtime has them (Node, Deno, Bun): nothing is imported, so that bundles for browsers stay free of
// node: modules. A file is written whole or not at all.
import { check, fail } from '../numerics/errors.ts'

/** What is used of node:fs/promises. */
interface Files {
  mkdir(path: string, options: { recursive: true }): Promise<unknown>
  stat(path: string): Promise<{ isDirectory(): boolean; readonly size: number }>
  open(
    path: string,
    flags: string,
  ): Promise<{
    writeFile(data: Uint8Array | string): Promise<void>
    sync(): Promise<void>
    close(): Promise<void>
  }>
  rename(from: string, to: string): Promise<void>
  rm(path: string, options: { force: true }): Promise<void>
}

function files(where: string, instead: string): Files {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } }
  const found = process?.getBuiltinModule?.('node:fs/promises')
  return (
    (found as Files | undefined) ?? fail(`${where}: no file system here for path: pass ${instead} instead`)
  )
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Opens, writes, flushes and closes. */
async function put(fs: Files, path: string, flags: string, data: Uint8Array | string): Promise<void> {
  const file = await fs.open(path, flags)
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function makeFolder(fs: Files, path: string): Promise<void> {
  const folder = /^(.*)[/\\]/.exec(path)?.[1]
  if (folder) await fs.mkdir(folder, { recursive: true })
}

/** Replaces the file at `path` by one written whole: beside it first, then renamed. */
async function replace(fs: Files, path: string, data: Uint8Array | string): Promise<void> {
  const beside = `${path}.tmp`
  try {
    await put(fs, beside, 'w', data)
    await fs.rename(beside, path)
  } catch (error) {
    await fs.rm(beside, { force: true }).catch(() => {})
    throw error
  }
}

/**
 * Writes files for a callback named `where` whose option `instead`, a function, is for runtimes without files.
 * @throws LanegradError unless one of both is given
 */
export function fileWriter(where: string, instead: string, path: unknown, write: unknown) {
  if ((path === undefined) === (write === undefined)) fail(`${where}: give path or ${instead}, one of them`)
  if (write === undefined)
    check(typeof path === 'string' && path !== '', `${where}: path`, 'the path of a file', path)
  else check(typeof write === 'function', `${where}: ${instead}`, 'a function', write)
  const attempt = async <T>(path: string, work: (fs: Files) => Promise<T>): Promise<T> => {
    const fs = files(where, instead)
    try {
      return await work(fs)
    } catch (error) {
      return fail(`${where}: can't write ${path}: ${reason(error)}`)
    }
  }
  return {
    /** Finds out whether `path` can be written, making its folder; what is there stays. */
    probe: (path: string) =>
      attempt(path, async (fs) => {
        await makeFolder(fs, path)
        const there = await fs.stat(path).catch(() => null)
        if (there?.isDirectory()) throw new Error('it is a folder')
        await put(fs, `${path}.tmp`, 'w', '')
        await fs.rm(`${path}.tmp`, { force: true })
        return there?.size ?? 0
      }),
    replace: (path: string, data: Uint8Array | string) =>
      attempt(path, (fs) => makeFolder(fs, path).then(() => replace(fs, path, data))),
    append: (path: string, data: string) => attempt(path, (fs) => put(fs, path, 'a', data)),
  }
}
