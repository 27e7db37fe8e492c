// Debian's Python, for what its packages judge or make: python3-h5py, python3-onnx, python3-torch.
import { execFileSync } from 'node:child_process'

export const PYTHON = '/usr/bin/python3'

/** Whether Python runs this line; if not, it is printed what is skipped. */
export function canRun(python: string, line: string): boolean {
  try {
    execFileSync(python, ['-c', line], { stdio: 'ignore' })
    return true
  } catch {
    console.log(`skipped: ${python} can't run '${line}' (Debian: python3-onnx, python3-torch, python3-h5py)`)
    return false
  }
}

/** Whether tests that need PyTorch run, and what their title says if not: they take half a minute and more, so they run in CI alone. */
export function torch(): { readonly isRun: boolean; readonly reason: string } {
  if (!process.env.CI) return { isRun: false, reason: ' (skipped: PyTorch takes its time, so in CI alone)' }
  const isRun = canRun(PYTHON, 'import torch')
  return { isRun, reason: isRun ? '' : ' (skipped: python3 has no torch)' }
}
