// What the sources say of options, as text: the interfaces of options with the default each docstring tells, and which
// constructor takes which interface. Enters: the folder of sources. Leaves: plain data. Knows the forms in which the
// docstrings tell a default: `Default 0.1`, `default 'concat'`, `'valid' (default)`, and `; of radam 1e-8` behind one.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface DocumentedOption {
  readonly name: string
  readonly isOptional: boolean
  readonly doc: string
  /** The literal behind the word default; undefined: none, or words. */
  readonly byDefault: { readonly value: unknown } | undefined
  /** The default is told, in whatever form. */
  readonly isTold: boolean
  /** Other literals for some constructors. */
  readonly ofSome: ReadonlyMap<string, unknown>
}

export interface Documented {
  /** Options by interface, those of the interfaces it extends included. */
  readonly interfaces: ReadonlyMap<string, ReadonlyMap<string, DocumentedOption>>
  /** Exported constructors: the interface of their last parameter. */
  readonly constructors: ReadonlyMap<string, string>
}

const LITERAL = String.raw`'[^']*'|-?\d+(?:\.\d+)?(?:e-?\d+)?(?: \d{3})*|true\b|false\b|null\b|\[[^\]]*\]|\{\}`

function literal(text: string): unknown {
  if (/^-?\d/.test(text)) return Number(text.replaceAll(' ', ''))
  return JSON.parse(text.replaceAll("'", '"'))
}

function optionOf(name: string, isOptional: boolean, doc: string): DocumentedOption {
  const found =
    new RegExp(String.raw`\b[Dd]efault (${LITERAL})`).exec(doc) ??
    new RegExp(String.raw`(${LITERAL}) \((?:none, |the )?default\)`).exec(doc)
  const ofSome = new Map<string, unknown>()
  for (const [, who, value] of doc.matchAll(new RegExp(String.raw`[;,] of (\w+) (${LITERAL})`, 'g')))
    ofSome.set(who, literal(value))
  // 'zeros'; of lstm and convLstm2d see another option
  for (const [, who] of doc.matchAll(/[;,] of ([\w, ]+) see /g))
    for (const one of who.split(/, | and /)) ofSome.set(one, undefined)
  const byDefault = found ? { value: literal(found[1]) } : undefined
  return { name, isOptional, doc, byDefault, isTold: /\b[Dd]efault/.test(doc), ofSome }
}

/** `interface A extends B, C<D> { ... }` of one file: its parents and its own options. */
function interfacesIn(text: string): Map<string, { parents: string[]; own: DocumentedOption[] }> {
  const found = new Map<string, { parents: string[]; own: DocumentedOption[] }>()
  const heads = /^(?:export )?interface (\w+)(?:<[^{]*?>)?(?:\s+extends\s+([^{]*?))?\s*\{\n([\s\S]*?)^\}/gm
  for (const [, name, parents = '', body] of text.matchAll(heads)) {
    const options = body.matchAll(/(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?^ {2}readonly (\w+)(\??):/gm)
    const own = [...options].map(([, doc = '', option, mark]) =>
      optionOf(option, mark === '?', doc.replace(/\s*\n\s*\*?\s*/g, ' ').trim()),
    )
    // Omit<A, ...> counts as A; type arguments are left out
    const names = parents.replace(/Omit<(\w+)(?:<[^>]*>)?,[^>]*>/g, '$1').replace(/<[^>]*>/g, '')
    found.set(name, { parents: names.match(/\w+/g) ?? [], own })
  }
  return found
}

export function documentedIn(folder: string): Documented {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  const raw = new Map<string, { parents: string[]; own: DocumentedOption[] }>()
  const constructors = new Map<string, string>()
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8')
    for (const [name, one] of interfacesIn(text)) raw.set(name, one)
    const aliases = /^export type (\w+Options) = (\w+)$/gm
    for (const [, name, other] of text.matchAll(aliases)) raw.set(name, { parents: [other], own: [] })
    const forms = [
      /^export const (\w+)(?:: \w+)? = (?:\/\*#__PURE__\*\/ )?\(options: (\w+)/gm,
      /^export const (\w+): \(options\?: (\w+)\)/gm,
      /^export function (\w+)(?:<[^(]*>)?\([^)]*?\boptions: (\w+)/gm,
    ]
    for (const form of forms) for (const [, name, type] of text.matchAll(form)) constructors.set(name, type)
  }
  const interfaces = new Map<string, ReadonlyMap<string, DocumentedOption>>()
  const whole = (name: string): Map<string, DocumentedOption> => {
    const { parents = [], own = [] } = raw.get(name) ?? {}
    const all = parents.flatMap((parent) => [...whole(parent).values()])
    return new Map([...all, ...own].map((option) => [option.name, option]))
  }
  for (const name of raw.keys()) interfaces.set(name, whole(name))
  return { interfaces, constructors }
}

/** A source with the line breaks of its comments taken out. */
export const proseOf = (folder: string, file: string): string =>
  readFileSync(join(folder, file), 'utf8').replace(/\s*\n\s*\* ?/g, ' ')
