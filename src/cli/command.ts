// Shared by the commands: how arguments are read and refused, files read, lines laid out. A fault that the user can mend
// ends as a LanegradError, which is one line on stderr.
import { readFileSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { fileWriter } from '../callbacks/files.ts'
import { messageOf } from '../numerics/brands.ts'
import { fail, show } from '../numerics/errors.ts'

/** A script of the package, beside this one. */
export const packageScript = <T>(name: string): Promise<T> =>
  import(new URL(`./${name}.js`, import.meta.url).href)

/** The text of a file of the package. */
export const packageText = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

/** The bytes of a file of the package. */
export const packageBytes = (path: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(readFileSync(new URL(path, import.meta.url)))

/** Options and the one file a command takes. @throws LanegradError on any other */
export function readArguments<O extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  args: readonly string[],
  options: O,
) {
  const refuse = (message: string): never => fail(`${message} (lanegrad ${command} --help tells more)`)
  const parse = () => {
    try {
      return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    } catch (error) {
      return refuse(messageOf(error).split(/\.\s/)[0].trim().replace(/^U/, 'u'))
    }
  }
  const { values, positionals } = parse()
  return {
    values,
    /** All files that are named. */
    files: positionals,
    /** The file that is named. */
    file(): string {
      const [name, ...others] = positionals
      if (name === undefined) refuse('no file is named')
      if (others.length > 0) refuse(`one file at a time; got ${positionals.map(show).join(' and ')}`)
      return name
    },
    refuse,
  }
}

/** Without what Node puts around it: `ENOENT: no such file or directory, open 'x'`. */
const reason = (error: unknown): string => messageOf(error).replace(/\bE[A-Z]+: |, \w+( '.*')?$/g, '')

export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(readFileSync(path))
  } catch (error) {
    return fail(`can't read ${path}: ${reason(error)}`)
  }
}

/** Writes a file as a whole: beside, then renamed. */
export async function writeWhole(path: string, data: Uint8Array | string): Promise<void> {
  const files = fileWriter('lanegrad', '', path, undefined)
  try {
    await files.replace(path, data)
    await files.close()
  } catch (error) {
    fail(reason(error).replace(/^lanegrad: /, ''))
  }
}

/** Lines of at most `width` columns; words stay whole. */
export function wrapped(words: readonly string[], width: number): string[] {
  const lines = ['']
  for (const word of words) {
    const last = lines[lines.length - 1]
    if (last === '') lines[lines.length - 1] = word
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
