// Temporary folders. Enters: a prefix. Leaves: an empty folder, which goes with `removeFolder` or with this process.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders = new Set<string>()
let isWatching = false

/** A browser that is being ended may still write into its profile. */
const remove = (folder: string): void =>
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })

export function makeFolder(prefix: string): string {
  if (!isWatching)
    process.once('exit', () => {
      for (const folder of folders) remove(folder)
    })
  isWatching = true
  const folder = mkdtempSync(join(tmpdir(), prefix))
  folders.add(folder)
  return folder
}

export function removeFolder(folder: string): void {
  remove(folder)
  folders.delete(folder)
}
