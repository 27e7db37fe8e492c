// Features that a runtime may lack: each is looked for when it is used, never at import, and done without if it is missing.

/** A stream whose line can be rewritten. */
interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

interface Host {
  readonly process?: { getBuiltinModule?(name: string): unknown; readonly stdout?: Terminal }
  readonly performance?: { now?(): number }
}

/** A module of Node, Deno or Bun; undefined in a browser, and wherever `process` is something else. */
export const builtin = <M>(name: string): M | undefined =>
  (globalThis as Host).process?.getBuiltinModule?.(name) as M | undefined

/** Milliseconds since some fixed moment. */
export const now = (): number => (globalThis as Host).performance?.now?.() ?? Date.now()

/** The terminal that standard output is; null where it is none. */
export const terminal = (): Terminal | null => {
  const out = (globalThis as Host).process?.stdout
  return out?.isTTY ? out : null
}

/** Prints on the console, if there is one. */
export function print(how: 'log' | 'warn', text: string): void {
  ;(globalThis as { readonly console?: Partial<Console> }).console?.[how]?.(text)
}

const warned = /*#__PURE__*/ new Set<string>()

/** On the console, each text once. */
export function warnOnce(text: string): void {
  if (!warned.has(text)) print('warn', `lanegrad: ${text}`)
  warned.add(text)
}
