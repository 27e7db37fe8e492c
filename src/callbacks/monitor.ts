// One log, watched from epoch to epoch: is it better than before? Enters: its name and which way is up. Leaves: its
// value, and comparisons as Keras makes them.
import type { FitParams } from '../model/callbacks.ts'
import { check, fail, NON_NEGATIVE, show } from '../numerics/errors.ts'
import type { Logs } from '../training/callbacks.ts'

export interface MonitorOptions {
  /** Name of a log. Default 'val_loss'. */
  readonly monitor?: string
  /** Whether less or more is better. Default 'auto': told by the name. */
  readonly mode?: 'auto' | 'min' | 'max'
  /** What counts as better: by more than this. */
  readonly minDelta?: number
}

/** @throws LanegradError unless an integer from 0 */
export function checkNatural(what: string, value: number): void {
  check(Number.isSafeInteger(value) && value >= 0, what, 'an integer from 0', value)
}

const MORE = /acc|auc|precision|recall|f1|fscore|fbeta|iou|dice|r2|cosinesimilarity|specificity|sensitivity/i
const LESS = /loss|error|mse|mae|mape|msle|rmse|entropy|divergence|hinge|poisson|logcosh|huber|perplexity/i

export class Monitor {
  private readonly where: string
  private readonly name: string
  private readonly minDelta: number
  private readonly sign: 1 | -1
  private params: FitParams | null = null
  best = Infinity

  /** @throws LanegradError on bad options, naming `where` */
  constructor(where: string, { monitor = 'val_loss', mode = 'auto', minDelta = 0 }: MonitorOptions) {
    check(typeof monitor === 'string' && monitor !== '', `${where}: monitor`, 'the name of a log', monitor)
    check(['auto', 'min', 'max'].includes(mode), `${where}: mode`, "'auto', 'min' or 'max'", mode)
    check(NON_NEGATIVE.holds(minDelta), `${where}: minDelta`, NON_NEGATIVE.expected, minDelta)
    const isMore = mode === 'max' || (mode === 'auto' && MORE.test(monitor))
    if (mode === 'auto' && !isMore && !LESS.test(monitor))
      fail(
        `${where}: monitor ${show(monitor)} doesn't tell whether less or more is better: give mode: 'min' or 'max'`,
      )
    this.where = where
    this.name = monitor
    this.minDelta = minDelta
    this.sign = isMore ? -1 : 1
  }

  begin(params: FitParams): void {
    this.params = params
    this.best = Infinity * this.sign
  }

  /** The log's value; null in an epoch without validation. @throws LanegradError if there is no such log */
  read(epoch: number, logs: Logs): number | null {
    const { name, where } = this
    if (Object.hasOwn(logs, name)) return logs[name]
    const { validationFreq } = this.params ?? { validationFreq: 0 }
    if (name.startsWith('val_') && validationFreq > 1 && (epoch + 1) % validationFreq !== 0) return null
    return fail(`${where}: monitor ${show(name)} is none of the logs: ${Object.keys(logs).join(', ')}`)
  }

  /** less: value + minDelta < reference; more: value - minDelta > reference. Never for NaN. */
  isBetter(value: number, reference: number): boolean {
    return this.sign * value + this.minDelta < this.sign * reference
  }

  /** Takes a value that beats the best one in its place. */
  improves(value: number): boolean {
    const isBetter = this.isBetter(value, this.best)
    if (isBetter) this.best = value
    return isBetter
  }

  toString(): string {
    return this.name
  }
}
