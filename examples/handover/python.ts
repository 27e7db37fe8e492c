// The Python that PyTorch is in, and train.py in it.
import { spawn, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { InputError } from '../shared/idx.ts'

const CANDIDATES = process.platform === 'win32' ? ['python', 'py'] : ['python3', '/usr/bin/python3', 'python']

/** The first Python that has PyTorch and NumPy, and their versions. Throws InputError, which says how to get them. */
export function findPython(given?: string): { python: string; version: string } {
  for (const python of given ? [given] : CANDIDATES) {
    const { status, stdout } = spawnSync(python, ['-c', 'import numpy, torch; print(torch.__version__)'], {
      encoding: 'utf8',
    })
    if (status === 0) return { python, version: stdout.trim() }
  }
  throw new InputError(
    `${given ?? CANDIDATES[0]} has no PyTorch: pip install torch numpy, or on Debian apt install python3-torch; ` +
      'another Python is named by --python PATH',
  )
}

/** Copies train.py beside a saved model, as `npx lanegrad torch` does. Throws InputError with its reason. */
export function copyTrainer(model: string): void {
  const cli = join(dirname(createRequire(import.meta.url).resolve('lanegrad/package.json')), 'dist/cli.js')
  const { status, stderr } = spawnSync(process.execPath, [cli, 'torch', '--force', model], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new InputError(stderr.trim())
}

/** Runs a script in this terminal. Throws InputError if it fails; it has told why. */
export async function runPython(python: string, args: readonly string[]): Promise<void> {
  const child = spawn(python, args, { stdio: 'inherit' })
  const onInterrupt = () => {} // Ctrl-C is the script's
  process.on('SIGINT', onInterrupt)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  process.off('SIGINT', onInterrupt)
  if (code !== 0) throw new InputError(`${python} ${args[0]} ended with code ${code}`)
}
