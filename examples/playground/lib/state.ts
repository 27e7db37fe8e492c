// What a tab is set to, in the URL: `#points?data=xor&layers=4-2`. Only what differs from the defaults is written, so a
// link stays short; whatever a link says is checked against what a tab allows before it is used.
import type { Guided } from './guide.ts'

export type Settings = Record<string, string | number>

/** What a setting may be: one of a list, or a number from min to max, in steps from min where there is a step. */
export type Rule =
  | { readonly of: readonly (string | number)[] }
  | { readonly min: number; readonly max: number; readonly step?: number }
  | { readonly matches: RegExp }

export interface Place {
  readonly tab: string
  readonly query: URLSearchParams
}

export function readPlace(hash: string): Place {
  const [tab, query = ''] = hash.replace(/^#/, '').split('?')
  return { tab, query: new URLSearchParams(query) }
}

/** The defaults, with what the query has and the rules allow. */
export function readSettings<T extends Settings>(
  query: URLSearchParams,
  defaults: T,
  rules: { readonly [K in keyof T]: Rule },
): T {
  const settings: Settings = { ...defaults }
  for (const [name, fallback] of Object.entries(defaults)) {
    const text = query.get(name)
    if (text === null) continue
    // decimal digits only: no hex, no exponent
    const value = typeof fallback === 'string' ? text : /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (allows(rules[name], value)) settings[name] = value
  }
  return settings as T
}

function allows(rule: Rule, value: string | number): boolean {
  if ('of' in rule) return rule.of.includes(value)
  if ('matches' in rule) return rule.matches.test(String(value))
  const { min, max, step } = rule
  return typeof value === 'number' && value >= min && value <= max && !(step && (value - min) % step)
}

export function writePlace<T extends Settings>(tab: string, settings: T, defaults: T): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(settings))
    if (value !== defaults[name]) query.set(name, String(value))
  const text = query.toString()
  return `#${tab}${text && `?${text}`}`
}

/** Learning rates of a link. */
export const anyRate = { min: 1e-6, max: 10 }
/** Seeds of a link. */
export const anySeed = { min: 1, max: 1e6, step: 1 }

/**
 * What main.ts asks of a tab. `title` stands above it and names the window; `tries` are the steps of its guide, the first
 * of them the hint for the first visit. `apply` sets it up as a link says; `hash` is that link. Among its buttons is one
 * with `data-action="reset"`: it stops whatever runs, and begins anew with the settings as they are.
 */
export interface Tab extends Guided {
  /** Rejects where the tab can't be shown as it is set up. */
  show(): void | Promise<void>
  hide(): void
  apply(query: URLSearchParams): void
  hash(): string
  /** The colors have changed. */
  repaint(): void
}

/** Makes a tab in its panel; it calls `onChange` when its link has changed. */
export type MakeTab = (panel: HTMLElement, onChange: () => void) => Tab
