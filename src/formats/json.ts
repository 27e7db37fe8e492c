// Reads the JSON that files of unknown origin hold.
import { check, fail, isRecord, show } from '../numerics/errors.ts'

/** The deepest nesting of JSON: layers within layers. */
const MOST_DEPTH = 500

/** Limits the depth of nesting. A loop counts it: a regular expression wouldn't stand a text of any length and content. */
function checkDepth(what: string, json: string): void {
  let depth = 0
  let isText = false
  for (let i = 0; i < json.length; i++) {
    const char = json[i]
    if (char === '"') isText = !isText
    else if (isText) i += char === '\\' ? 1 : 0
    else if (char === '[' || char === '{') depth++
    else if (char === ']' || char === '}') depth--
    if (depth > MOST_DEPTH) fail(`${what} is nested too deeply`)
  }
}

/** The value that a text of JSON holds. @throws LanegradError if the text isn't JSON or is nested too deeply */
export function parse(what: string, text: string): unknown {
  checkDepth(what, text)
  return parseText(what, text)
}

/** The same for what is read to a fixed depth. */
export function parseText(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return fail(`${what} must be JSON; got ${show(text)}`)
  }
}

/** The value as an object. @throws LanegradError unless it is one and not a list */
export function object(what: string, value: unknown): Record<string, unknown> {
  check(isRecord(value), what, 'an object', value)
  return value as Record<string, unknown>
}
