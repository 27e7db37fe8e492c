// The names of the reference, for the site's search. Enters: typedoc's JSON, and the folder of its pages. Leaves: an entry for each name.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** typedoc's numbers of kinds, and the folders of their pages. */
const FOLDERS = { 32: 'variables', 64: 'functions', 128: 'classes', 256: 'interfaces', 2097152: 'types' }

const textOf = ({ comment, signatures }) =>
  (comment?.summary ?? signatures?.[0]?.comment?.summary ?? []).map(({ text }) => text).join('')

/** @throws Error for a name without a page */
export function namesOf(json, folder) {
  const { children } = JSON.parse(readFileSync(json, 'utf8'))
  return children.flatMap((module) =>
    (module.children ?? [])
      .filter(({ kind }) => FOLDERS[kind])
      .map((child) => {
        const page = `${FOLDERS[child.kind]}/${module.name.replace(/\W/g, '_')}.${child.name}.html`
        if (!existsSync(join(folder, page))) throw new Error(`the reference has no page ${page}`)
        const text = textOf(child).replace(/\s+/g, ' ').slice(0, 200)
        return [`reference/${page}`, module.name, child.name, text, 'name']
      }),
  )
}
