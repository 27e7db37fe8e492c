// Where a model of TensorFlow.js comes from. Enters: an address, a path, bytes, or files of a page. Leaves: the JSON and the bytes
// of its weights. Nothing is assumed about either.
import { object, parse } from '../../formats/json.ts'
import { refuseOthers } from '../../formats/signs.ts'
import { type ByteSource, bytesOf, decodeText } from '../../numerics/bytes.ts'
import { check, fail, isFunction, isObject, isRecord, reading, show } from '../../numerics/errors.ts'
import { builtin } from '../../numerics/host.ts'
import { own } from '../keras/row.ts'

/** A file that a page was given: a `File`, or anything with a name and bytes. */
interface FileLike {
  readonly name: string
  arrayBuffer(): Promise<ArrayBuffer>
}

/** The parts of a model: `model.json` as bytes, as text or parsed, and the bytes of its weights, all shards in a row or one by one. */
export interface TfjsParts {
  readonly modelJson: ByteSource | string | object
  readonly weights: ByteSource | readonly ByteSource[]
}

/** The address or path of `model.json`, its parts, or the files that a page was given. */
export type TfjsSource = string | URL | TfjsParts | Iterable<FileLike>

/** A model before anything of it is understood. */
export interface Opened {
  readonly json: Readonly<Record<string, unknown>>
  /** The specs of all weights, in the order of their bytes. */
  readonly specs: readonly unknown[]
  readonly bytes: Uint8Array
}

const WHAT = 'loadTfjs'
/** Shards of a model, and a page's other files beside them. */
const MOST_FILES = 10_000

const jsonOf = (given: Uint8Array): Record<string, unknown> => {
  refuseOthers(`${WHAT}: model.json`, given, /^JSON/)
  let text: string
  try {
    text = decodeText(given)
  } catch {
    return fail(`${WHAT}: model.json must be UTF-8`)
  }
  return object(`${WHAT}: model.json`, parse(`${WHAT}: model.json`, text.replace(/^\uFEFF/, '')))
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  if (parts.length === 1) return parts[0]
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** The specs of the weights, and the paths of their shards. */
function manifestOf(json: Readonly<Record<string, unknown>>): { specs: unknown[]; paths: string[] } {
  const groups = own(json, 'weightsManifest') ?? []
  check(Array.isArray(groups), `${WHAT}: weightsManifest`, 'a list', groups)
  const specs: unknown[] = []
  const paths: string[] = []
  for (const group of groups) {
    const { weights, paths: own } = object(`${WHAT}: a group of weightsManifest`, group)
    check(Array.isArray(weights), `${WHAT}: weights of a group`, 'a list', weights)
    check(
      Array.isArray(own) && own.every((path) => typeof path === 'string'),
      `${WHAT}: paths of a group`,
      'a list of names',
      own,
    )
    for (const spec of weights) specs.push(spec)
    for (const path of own) paths.push(path)
  }
  return { specs, paths }
}

/** The bytes behind an address or a path. */
async function fetched(address: string): Promise<Uint8Array> {
  if (/^(?!file:)[a-z][a-z0-9+.-]+:/i.test(address) || !builtin('node:fs/promises')) {
    let response: Response
    try {
      response = await fetch(address)
    } catch (error) {
      return fail(`${WHAT}: ${address} can't be fetched: ${(error as Error).message}`)
    }
    if (!response.ok) fail(`${WHAT}: ${address} can't be fetched: ${response.status} ${response.statusText}`)
    return new Uint8Array(await response.arrayBuffer())
  }
  const files = builtin<{ readFile(path: string | URL): Promise<Uint8Array> }>('node:fs/promises')
  try {
    return (await files?.readFile(address.startsWith('file:') ? new URL(address) : address)) as Uint8Array
  } catch (error) {
    return fail(`${WHAT}: ${address} can't be read: ${(error as Error).message}`)
  }
}

/** The address of a shard beside model.json. @throws LanegradError for one elsewhere */
function beside(address: string, path: string): string {
  if (/^([a-z][a-z0-9+.-]*:|[/\\])|(^|[/\\])\.\.([/\\]|$)/i.test(path))
    fail(`${WHAT}: the shard ${show(path)} isn't beside model.json`)
  const [, folder, query] = /^([^?#]*[/\\])?[^?#/\\]*([?].*)?$/.exec(address) ?? []
  return (folder ?? '') + path + (query ?? '')
}

async function openAddress(address: string): Promise<Opened> {
  const json = jsonOf(await fetched(address))
  const { specs, paths } = manifestOf(json)
  const shards = await Promise.all(paths.map((path) => fetched(beside(address, path))))
  return { json, specs, bytes: joined(shards) }
}

function openParts({ modelJson, weights }: TfjsParts): Opened {
  const isText = typeof modelJson === 'string'
  const json = isText
    ? object(`${WHAT}: modelJson`, parse(`${WHAT}: modelJson`, modelJson))
    : isRecord(modelJson) && !ArrayBuffer.isView(modelJson) && !('byteLength' in modelJson)
      ? modelJson
      : jsonOf(bytesOf(`${WHAT}: modelJson`, modelJson as ByteSource))
  const list = Array.isArray(weights) ? weights : [weights]
  const bytes = joined(list.map((part) => bytesOf(`${WHAT}: weights`, part)))
  const specs = own(json, 'weightSpecs')
  return { json, specs: Array.isArray(specs) ? specs : manifestOf(json).specs, bytes }
}

async function openFiles(files: readonly FileLike[]): Promise<Opened> {
  const bytesIn = async (file: FileLike) => new Uint8Array(await file.arrayBuffer())
  const main = files.filter(({ name }) => /\.json$/i.test(name))
  if (main.length !== 1)
    fail(`${WHAT}: expected one file .json among the files; got ${show(files.map(({ name }) => name))}`)
  const json = jsonOf(await bytesIn(main[0]))
  const { specs, paths } = manifestOf(json)
  const shards = paths.map((path) => {
    const name = path.replace(/^.*[/\\]/, '')
    return (
      files.find((file) => file.name === name) ??
      fail(`${WHAT}: the file ${show(name)} of the weights is missing`)
    )
  })
  return { json, specs, bytes: joined(await Promise.all(shards.map(bytesIn))) }
}

/** Reads a model's files. @throws LanegradError */
export async function open(source: TfjsSource): Promise<Opened> {
  const what = `${WHAT}: source`
  return reading(what, () => {
    const expected = 'an address, { modelJson, weights }, or files'
    if (typeof source === 'string') return openAddress(source)
    check(isObject(source), what, expected, source)
    if ('href' in source) return openAddress(String(source.href))
    if ('modelJson' in source) return openParts(source)
    check(isFunction((source as Partial<Iterable<unknown>>)[Symbol.iterator]), what, expected, source)
    const files: FileLike[] = []
    for (const file of source) {
      const isFile = isObject(file) && typeof file.name === 'string' && isFunction(file.arrayBuffer)
      check(isFile, what, 'a list of files', source)
      if (files.push(file) > MOST_FILES) fail(`${what}: expected at most ${MOST_FILES} files`)
    }
    return openFiles(files)
  })
}
