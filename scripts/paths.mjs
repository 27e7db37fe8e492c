// Paths that leave this system: into URLs, imports and source maps, where every system has slashes.
import nodePath from 'node:path'

/** A path of this system with slashes. */
export const slashes = (path, { sep } = nodePath) => path.split(sep).join('/')

/** The way from a folder to a file, as a URL or an import has it. */
export const urlPath = (from, to, path = nodePath) => slashes(path.relative(from, to), path)

/** The file of `folder` that a request asks for; null for what lies outside it, or can't be read as an address. */
export function requestedFile(folder, address, path = nodePath) {
  let wanted
  try {
    wanted = decodeURIComponent(new URL(address, 'http://local').pathname)
  } catch {
    return null
  }
  const base = path.resolve(folder)
  const file = path.normalize(path.join(base, wanted.endsWith('/') ? `${wanted}index.html` : wanted))
  return file.startsWith(base + path.sep) && !file.includes('\0') ? file : null
}
