// Writes files in runtimes that have them (Node, Deno, Bun). Nothing is imported, so that bundles for browsers have no node:
// modules. A file is replaced as a whole: readers, other writers and a killed process never see or leave a part of one. Links
// are followed and stay; devices and pipes are written to directly.
import { messageOf } from '../numerics/brands.ts'
import { encodeText } from '../numerics/bytes.ts'
import { check, fail, isFunction } from '../numerics/errors.ts'
import { builtin } from '../numerics/host.ts'

interface Handle {
  write(
    data: Uint8Array,
    from: number,
    length?: number,
    position?: number,
  ): Promise<{ readonly bytesWritten: number }>
  read(
    into: Uint8Array,
    at: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>
  sync(): Promise<void>
  close(): Promise<void>
}

interface Stats {
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
}

/** The part of node:fs/promises that is used. */
export interface Files {
  readonly constants: { readonly O_WRONLY: number; readonly O_APPEND: number; readonly O_NONBLOCK?: number }
  access(path: string, mode: number): Promise<void>
  chmod(path: string, mode: number): Promise<void>
  chown(path: string, uid: number, gid: number): Promise<void>
  lstat(path: string): Promise<Stats>
  mkdir(path: string, options: { recursive: true }): Promise<unknown>
  open(path: string, flags: string | number, mode?: number): Promise<Handle>
  readdir(path: string): Promise<string[]>
  readFile(path: string): Promise<Uint8Array>
  readlink(path: string): Promise<string>
  realpath(path: string): Promise<string>
  rename(from: string, to: string): Promise<void>
  rm(path: string, options: { force: true }): Promise<void>
  stat(path: string): Promise<Stats>
}

interface Paths {
  dirname(path: string): string
  isAbsolute(path: string): boolean
}

/** The file, device or pipe that a path leads to. */
interface Destination {
  /** The path behind all links. */
  readonly target: string
  readonly folder: string
  /** The existing file; null if there is none. */
  readonly there: Stats | null
  /** Whether it is a device, a pipe, or a stream that this process has open. */
  readonly isStream: boolean
}

const none = () => null

const WRITE_OK = 2
const LINKS = 40
/** The number of waits for a pipe whose reader takes no bytes: 10 s in all. */
const WAITS = 1000
const WAIT_MS = 10

const reason = (error: unknown): string =>
  (error as { code?: string }).code === 'ENXIO' ? 'nothing reads from it' : messageOf(error)

async function destinationOf(fs: Files, path: string): Promise<Destination> {
  const { dirname, isAbsolute } = builtin('node:path') as Paths
  const there = await fs.stat(path).catch(none)
  if (there?.isDirectory() || path.endsWith('/')) throw new Error('it is a folder')
  const isStream = (there && !there.isFile()) || /^\/(proc|dev\/(std|fd))/.test(path)
  let target = path
  for (let links = 0; !isStream && (await fs.lstat(target).catch(none))?.isSymbolicLink(); links++) {
    if (links === LINKS) throw new Error('its links lead nowhere')
    const to = await fs.readlink(target)
    target = isAbsolute(to) ? to : `${await fs.realpath(dirname(target))}/${to}`
  }
  const folder = dirname(target)
  if (!isStream) {
    await fs.mkdir(folder, { recursive: true })
    if (there) await fs.access(target, WRITE_OK)
  }
  return { target, folder, there, isStream }
}

/** Writes all bytes to a stream that may take only a part at a time. */
async function writeAll(stream: Handle, data: Uint8Array): Promise<void> {
  let waits = 0
  for (let at = 0; at < data.length; ) {
    try {
      at += (await stream.write(data, at)).bytesWritten
      waits = 0
    } catch (error) {
      if ((error as { code?: string }).code !== 'EAGAIN' || ++waits > WAITS) throw error
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
    }
  }
}

/** Writes, flushes and closes an open file. */
async function writeAndClose(file: Handle, data: Uint8Array): Promise<void> {
  try {
    await writeAll(file, data)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A file that is written beside its place, under a name of its own, and takes the place as a whole. */
interface Beside {
  readonly file: Handle
  /** Flushes it and renames it. Where that fails nothing is left of it. */
  settle(): Promise<void>
  /** Removes it; the place stays as it was. After `settle` nothing happens. */
  drop(): Promise<void>
}

/** Opens a file that will replace the target, with the same mode and, if possible, owner. */
async function openBeside(fs: Files, { target, folder, there }: Destination): Promise<Beside> {
  const { randomUUID } = builtin('node:crypto') as { randomUUID(): string }
  const beside = `${folder}/.lanegrad-${randomUUID()}.tmp`
  const file = await fs.open(beside, 'wx', there ? 0o600 : 0o666)
  let isSettled = false
  const drop = async () => {
    if (isSettled) return
    await file.close().catch(none)
    await fs.rm(beside, { force: true }).catch(none)
  }
  const dropping = async (work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      await drop()
      throw error
    }
  }
  await dropping(async () => {
    if (!there) return
    await fs.chown(beside, there.uid, there.gid).catch(none)
    await fs.chmod(beside, there.mode & 0o7777)
  })
  const settle = () =>
    dropping(async () => {
      await file.sync()
      await file.close()
      await fs.rename(beside, target)
      isSettled = true
      const entries = await fs.open(folder, 'r').catch(none) // the new name is on the disk only once its folder is
      await entries?.sync().catch(none)
      await entries?.close()
    })
  return { file, settle, drop }
}

/** Replaces the target by a file with this data; null: tries whether that is possible. */
async function replace(fs: Files, place: Destination, data: Uint8Array | null): Promise<void> {
  const own = await openBeside(fs, place)
  try {
    if (!data) return
    await writeAll(own.file, data)
    await own.settle()
  } finally {
    await own.drop()
  }
}

/** A file on its way, written in pieces; nothing is at its path before `settle`. */
export interface Growing {
  /** Writes bytes at a position. */
  put(data: Uint8Array, position: number): Promise<void>
  settle(): Promise<void>
  drop(): Promise<void>
}

/** Begins the file of a path. @throws LanegradError that begins with `where`, also later where writing fails */
export async function growFile(where: string, path: string): Promise<Growing> {
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      return fail(`${where}: can't write ${path}: ${reason(error)}`)
    }
  }
  const fs = filesFor(where)
  const { file, settle, drop } = await told(async () => {
    const place = await destinationOf(fs, path)
    if (place.isStream) throw new Error('it is a device or a pipe')
    return openBeside(fs, place)
  })
  return {
    put: (data, position) =>
      told(async () => {
        for (let at = 0; at < data.length; )
          at += (await file.write(data, at, data.length - at, position + at)).bytesWritten
      }),
    settle: () => told(settle),
    drop,
  }
}

/** The files of the runtime. @throws LanegradError where it has none */
export const filesFor = (where: string, instead = ''): Files =>
  builtin<Files>('node:fs/promises') ?? fail(`${where}: this runtime has no files${instead}`)

/**
 * A writer of files for the callback `where`, whose option `instead`, a function, serves runtimes without files.
 * @throws LanegradError unless exactly one of both is given
 */
export function fileWriter(where: string, instead: string, path: unknown, write: unknown) {
  if ((path === undefined) === (write === undefined)) fail(`${where}: give either path or ${instead}`)
  if (write === undefined)
    check(typeof path === 'string' && path !== '', `${where}: path`, 'a file path', path)
  else check(isFunction(write), `${where}: ${instead}`, 'a function', write)
  let stream: Handle | null = null // stays open: a pipe ends when its writer closes it
  let opened = ''
  const close = async () => {
    await stream?.close().catch(none)
    stream = null
  }
  const attempt = async <T>(
    path: string,
    work: (fs: Files, place: Destination) => Promise<T>,
  ): Promise<T> => {
    const fs = filesFor(where, ` for path; give ${instead}`)
    try {
      const place = await destinationOf(fs, path)
      if (!place.isStream || opened !== path) await close()
      if (place.isStream) {
        const { O_WRONLY, O_APPEND, O_NONBLOCK = 0 } = fs.constants
        stream ??= await fs.open(path, O_WRONLY | O_APPEND | O_NONBLOCK) // a pipe without a reader would block otherwise
        opened = path
      }
      return await work(fs, place)
    } catch (error) {
      await close()
      return fail(`${where}: can't write ${path}: ${reason(error)}`)
    }
  }
  const writing =
    (whole: boolean) =>
    (path: string, data: Uint8Array | string): Promise<void> =>
      attempt(path, async (fs, place) => {
        const bytes = typeof data === 'string' ? encodeText(data) : data
        if (stream) await writeAll(stream, bytes)
        else if (whole) await replace(fs, place, bytes)
        else await writeAndClose(await fs.open(path, 'a'), bytes)
      })
  return {
    /** Checks that `path` can be written and makes its folder; an existing file stays. Returns its bytes if `isRead`. */
    async probe(path: string, isRead = false): Promise<Uint8Array> {
      await close()
      return attempt(path, async (fs, place) => {
        if (!stream) await replace(fs, place, null)
        return isRead && place.there && !stream ? fs.readFile(path) : new Uint8Array(0)
      })
    },
    replace: writing(true),
    append: writing(false),
    /** Closes a pipe. */
    close,
  }
}
