// Shows how training goes: a live bar for the running epoch and one lasting line for each finished one.
//
// In:  the hooks that `fit` calls, with its running means. Out: text on the given stream.
// On a terminal the bar is redrawn in place, ten times a second at most, and fills the width; elsewhere
// (a pipe, a file, a build log) only the lasting lines appear.
// It never touches the model, and `close` may be called at any time, more than once.

import { SingleBar } from 'cli-progress'

type Logs = Readonly<Record<string, number>>

/** How much there is to do, as `fit` counts it. */
interface Workload {
  epochs: number
  /** training samples, per epoch */
  samples: number
  batchSize: number
}

/** Hooks for `fit`, and `close` to leave the terminal in order, whatever happened. */
export interface Progress {
  onTrainBegin(workload: Workload): void
  onEpochBegin(epoch: number): void
  onBatchEnd(batch: number, logs: Logs): void
  onEpochEnd(epoch: number, logs: Logs): void
  close(): void
}

/** What an epoch and its samples are called. */
export interface ProgressWords {
  title?: string
  unit?: string
}

const MIN_BAR_WIDTH = 5

export function showProgress(
  stream: NodeJS.WriteStream,
  { title: word = 'epoch', unit = 'samples' }: ProgressWords = {},
  now = () => performance.now(),
): Progress {
  let epochCount = 0
  let sampleCount = 0 // per epoch
  let batchSize = 0
  let trainStart = 0
  let epochStart = 0
  let epoch = 0
  let doneCount = 0 // samples of the running epoch
  let latest: Logs = {}
  let running = false

  const bar = new SingleBar({
    stream,
    format: (_options, params) => liveLine(params.progress, params.maxWidth),
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false, // Ctrl-C is the caller's
  })

  const title = () => {
    const total = String(epochCount)
    return `${word} ${String(epoch + 1).padStart(total.length)}/${total}`
  }

  // of this epoch so far
  const rate = () => formatRate((1000 * doneCount) / Math.max(now() - epochStart, 1), unit)

  // ms, at the mean pace of the whole training up to now
  const timeLeft = () => {
    const allDone = epoch * sampleCount + doneCount
    return ((now() - trainStart) * (epochCount * sampleCount - allDone)) / Math.max(allDone, 1)
  }

  const liveLine = (fraction: number, width: number) => {
    const left = `${title()} `
    const right = doneCount === 0 ? '' : ` ${rate()}  ${scores(latest)}  ${formatTime(timeLeft())} left`
    // the last column stays free: some terminals wrap once it is written
    const barWidth = Math.max(width - 1 - left.length - right.length, MIN_BAR_WIDTH)
    const full = Math.round(fraction * barWidth)
    return left + '█'.repeat(full) + '░'.repeat(barWidth - full) + right
  }

  const stopBar = () => {
    if (stream.isTTY) bar.stop()
    running = false
  }

  return {
    onTrainBegin(workload) {
      epochCount = workload.epochs
      sampleCount = workload.samples
      batchSize = workload.batchSize
      trainStart = now()
    },
    onEpochBegin(index) {
      epoch = index
      doneCount = 0
      latest = {}
      epochStart = now()
      running = true
      if (stream.isTTY) bar.start(sampleCount, 0)
    },
    onBatchEnd(batch, logs) {
      doneCount = Math.min((batch + 1) * batchSize, sampleCount)
      latest = logs
      if (stream.isTTY) bar.update(doneCount)
    },
    onEpochEnd(_index, logs) {
      stopBar()
      stream.write(`${title()}  ${scores(logs)}  ${rate()}\n`)
    },
    close() {
      if (!running) return
      stopBar()
      const percent = Math.floor((100 * doneCount) / sampleCount)
      const reached = doneCount === 0 ? '' : `  ${scores(latest)}`
      stream.write(`${title()}${reached}  (stopped at ${percent} %)\n`)
    },
  }
}

/**
 * `loss 0.0812  accuracy 97.51 %  validation 97.20 %`; without an accuracy, the validation's loss. Other numbers follow by their
 * names, to four digits.
 */
function scores(logs: Logs): string {
  const parts: string[] = []
  if (logs.loss !== undefined) parts.push(`loss ${logs.loss.toFixed(4)}`)
  if (logs.accuracy !== undefined) parts.push(`accuracy ${formatPercent(logs.accuracy)}`)
  if (logs.val_accuracy !== undefined) parts.push(`validation ${formatPercent(logs.val_accuracy)}`)
  else if (logs.val_loss !== undefined) parts.push(`validation ${logs.val_loss.toFixed(4)}`)
  for (const [key, value] of Object.entries(logs))
    if (!/^(loss|accuracy|val_.*)$/.test(key)) parts.push(`${key} ${value.toPrecision(4)}`)
  return parts.join('  ')
}

/** 0.9785 -> `97.85 %` */
export function formatPercent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`
}

/** 52480 -> `52.5k samples/s` */
export function formatRate(perSecond: number, unit = 'samples'): string {
  const text = perSecond < 1000 ? perSecond.toFixed(0) : `${(perSecond / 1000).toFixed(1)}k`
  return `${text} ${unit}/s`
}

/** 9400 -> `10 s`, 125000 -> `2:05 min`; rounded up */
export function formatTime(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`
}
