// JSON of files of unknown origin.
import { check, fail, isRecord } from '../numerics/errors.ts'

/** Layers within layers, as JSON nests them. */
const MOST_DEPTH = 500

/** Counted by a loop: the text may be of any length and any content, which a regular expression wouldn't stand. */
function checkDepth(what: string, json: string): void {
  let depth = 0
  let isText = false
  for (let i = 0; i < json.length; i++) {
    const char = json[i]
    if (char === '"') isText = !isText
    else if (isText) i += char === '\\' ? 1 : 0
    else if (char === '[' || char === '{') depth++
    else if (char === ']' || char === '}') depth--
    if (depth > MOST_DEPTH) fail(`${what} in the file's metadata is nested too deeply`)
  }
}

/** @throws LanegradError where the text is no JSON or nested too deeply */
export function parse(what: string, text: string): unknown {
  checkDepth(what, text)
  try {
    return JSON.parse(text)
  } catch {
    return fail(`${what} in the file's metadata is no JSON`)
  }
}

/** A plain object. @throws LanegradError */
export function object(what: string, value: unknown): Record<string, unknown> {
  check(isRecord(value), what, 'an object', value)
  return value as Record<string, unknown>
}
