// The exports map to a folder for each subpath, `data/package.json` and so on: what tools without exports maps find
// (Parcel as it comes, TypeScript's moduleResolution node10). Part of the package, not of the checkout.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { urlPath } from './paths.mjs'

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
for (const [subpath, to] of Object.entries(exports)) {
  if (!to.types || subpath === '.') continue
  const from = (path) => urlPath(subpath, path)
  const manifest = { type: 'module', sideEffects: false, main: from(to.default), types: from(to.types) }
  mkdirSync(subpath, { recursive: true })
  writeFileSync(`${subpath}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`)
}
