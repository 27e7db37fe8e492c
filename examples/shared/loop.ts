// A training loop written by hand, watched as `fit` is: with a progress bar, a lasting line for each epoch, and Ctrl-C.
//
// In:  what one step does, and how many there are. Out: true if Ctrl-C ended it.
// A step runs to its end at once; between steps the terminal and Ctrl-C get a turn.

import { setImmediate } from 'node:timers/promises'
import { watchTraining } from './run.ts'

export interface Loop {
  /** What an epoch and a sample are called. Default: that. */
  title?: string
  unit?: string
  epochs: number
  /** steps of an epoch */
  steps: number
  /** samples of a step */
  batchSize: number
  /** Does one step; what it returns is shown as the mean over the epoch. */
  step(): Record<string, number>
  /** Whether to end before the last epoch, asked after each step. */
  isDone?(): boolean
}

const MS_BETWEEN_TURNS = 8

export function watchLoop({ title, unit, epochs, steps, batchSize, step, isDone }: Loop): Promise<boolean> {
  return watchTraining(
    async ({ callbacks: [progress], signal }) => {
      progress.onTrainBegin({ epochs, samples: steps * batchSize, batchSize })
      let turnedAt = performance.now()
      for (let epoch = 0, ends = false; epoch < epochs && !ends; epoch++) {
        progress.onEpochBegin(epoch)
        const means: Record<string, number> = {}
        for (let done = 0; done < steps && !ends; done++) {
          for (const [key, value] of Object.entries(step())) {
            const before = means[key] ?? 0
            means[key] = before + (value - before) / (done + 1)
          }
          progress.onBatchEnd(done, means)
          ends = isDone?.() ?? false
          if (performance.now() - turnedAt < MS_BETWEEN_TURNS) continue
          await setImmediate()
          turnedAt = performance.now()
          signal.throwIfAborted()
        }
        progress.onEpochEnd(epoch, means)
      }
    },
    { title, unit },
  )
}
