// The frame around every example: what is printed, how training is watched, how errors end.
import { LanegradError } from 'lanegrad'
import { InputError } from './idx.ts'
import { abortOnCtrlC } from './interrupt.ts'
import { type Progress, type ProgressWords, showProgress } from './progress.ts'

export function print(line = ''): void {
  process.stdout.write(`${line}\n`)
}

/** 12345 -> `12,345` */
export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

/**
 * Runs `fit` with a progress bar and with Ctrl-C as a wish to stop early: both come as options to pass on to
 * `model.fit`. True if Ctrl-C was pressed.
 */
export async function watchTraining(
  fit: (watch: { callbacks: Progress[]; signal: AbortSignal }) => Promise<unknown>,
  words?: ProgressWords,
): Promise<boolean> {
  const progress = showProgress(process.stdout, words)
  const interrupt = abortOnCtrlC(() => progress.close())
  const { signal } = interrupt
  try {
    await fit({ callbacks: [progress], signal })
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    progress.close()
    interrupt.release()
  }
  if (signal.aborted) print('interrupted: going on with what was learned so far (Ctrl-C again quits)')
  return signal.aborted
}

/** Awaits an example. What the user can mend gets one line; anything else is a defect and shows its stack. */
export async function runExample(example: () => Promise<void>): Promise<void> {
  const startMs = performance.now()
  process.stdout.on('error', (error: Error & { code?: string }) => {
    if (error.code !== 'EPIPE') throw error
    process.exit() // the reader (`| head`) has seen enough
  })
  try {
    await example()
    print(`\ntotal time: ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
  } catch (error) {
    const mendable =
      error instanceof InputError ||
      error instanceof LanegradError ||
      (error instanceof Error && 'syscall' in error)
    console.error(mendable ? `error: ${error.message}` : error)
    process.exitCode = 1
  }
}
