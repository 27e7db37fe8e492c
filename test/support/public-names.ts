// The names a program can import, each with its docstring: read from the sources as text.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { sources } from '../../scripts/entries.mjs'
import { root } from './installed.ts'

export interface PublicName {
  readonly name: string
  readonly isType: boolean
  /** The file of its declaration, from the project's root. */
  readonly path: string
  /** Without the comment's marks; '' if there is none. */
  readonly doc: string
}

const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

/** The docstring that ends where `head` ends. */
function docAt(head: string): string {
  const start = head.lastIndexOf('/**')
  const doc = start < 0 ? '' : head.slice(start)
  if (!/^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.test(doc)) return ''
  return doc
    .replace(/^\/\*\*|\*\/\s*$/g, '')
    .replace(/^ *\* ?/gm, '')
    .trim()
}

/** All docstrings of a file: of methods too. */
export const docsOf = (path: string): string[] =>
  [...textOf(path).matchAll(/\/\*\*(?:(?!\*\/)[\s\S])*\*\//g)].map(([doc]) => docAt(doc))

function read(name: string, path: string): PublicName {
  const text = textOf(path)
  const found = new RegExp(`^export (?:async )?(function|const|class|interface|type) ${name}\\b`, 'm').exec(
    text,
  )
  if (!found) {
    const [, from] =
      new RegExp(`\\b${name}\\b[^}]*\\}(?: from '(.*)')?`).exec(text.slice(text.search(/^export \{/m))) ?? []
    const imported = from ?? new RegExp(`import [^;]*?\\b${name}\\b[^}]*\\} from '(.*)'`).exec(text)?.[1]
    if (!imported) throw new Error(`${path} doesn't declare ${name}`)
    return read(name, join(dirname(path), imported))
  }
  const isType = found[1] === 'interface' || found[1] === 'type'
  return { name, isType, path, doc: docAt(text.slice(0, found.index)) }
}

export const publicNames: readonly PublicName[] = [...new Set(Object.values(sources))].flatMap((entry) => {
  const text = textOf(entry)
  const own = [...text.matchAll(/^export const (\w+)/gm)].map(([, name]) => read(name, entry))
  const others = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)'/gm)]
  return [
    ...own,
    ...others.flatMap(([, list, from]) =>
      list
        .split(',')
        .map((name) => name.trim().replace(/^type /, ''))
        .filter(Boolean)
        .map((name) => read(name, join(dirname(entry), from))),
    ),
  ]
})
