// Watches one log from epoch to epoch. Enters: its name, and whether less or more is better. Leaves: its value, and
// comparisons as Keras makes them.
import type { FitParams } from '../model/model.ts'
import { fail, NON_NEGATIVE, oneOf, type Rule, show, unknownName } from '../numerics/errors.ts'
import type { Logs } from '../session/logs.ts'

/** Options of callbacks that watch a log. */
export interface MonitorOptions {
  /** Name of the log to watch. Default 'val_loss'. */
  readonly monitor?: string
  /** Whether less ('min') or more ('max') is better. Default 'auto': decided by the name. */
  readonly mode?: 'auto' | 'min' | 'max'
  /** The least improvement that counts, exclusive. Default 0; of reduceLROnPlateau 1e-4. */
  readonly minDelta?: number
}

/** Readers of these options. */
export const monitorReaders = (minDelta = 0) =>
  ({
    monitor: [TEXT, 'val_loss'],
    mode: [oneOf('auto', 'min', 'max'), 'auto'],
    minDelta: [NON_NEGATIVE, minDelta],
  }) as const

const TEXT: Rule<string> = {
  expected: 'the name of a log',
  holds: (value): value is string => typeof value === 'string' && value !== '',
}

/** The metric in `<output>_<metric>` or `<metric>_<class>`: the output's name doesn't decide. */
const METRIC = /[^_]+(_\d+)?$/
const LOSS = /(loss|error)(_\d+)?$/i
const MORE = /acc|auc|precision|recall|f1|fscore|fbeta|iou|dice|r2|cosinesimilarity|specificity|sensitivity/i
const LESS = /loss|error|mse|mae|mape|msle|rmse|entropy|divergence|hinge|poisson|logcosh|huber|perplexity/i

export class Monitor {
  private readonly where: string
  private readonly name: string
  private readonly minDelta: number
  private readonly sign: 1 | -1
  private params: FitParams | null = null
  best = Infinity

  /** @throws LanegradError, naming `where`, if the name doesn't decide the mode */
  constructor(where: string, { monitor, mode, minDelta }: Required<MonitorOptions>) {
    const [metric] = METRIC.exec(monitor) ?? ['']
    const isMore = mode === 'max' || (mode === 'auto' && !LOSS.test(metric) && MORE.test(metric))
    if (mode === 'auto' && !isMore && !LESS.test(metric))
      fail(`${where}: give mode 'min' or 'max' for monitor ${show(monitor)}`)
    this.where = where
    this.name = monitor
    this.minDelta = minDelta
    this.sign = isMore ? -1 : 1
  }

  begin(params: FitParams): void {
    this.params = params
    this.best = Infinity * this.sign
  }

  /** The value of the log; null in an epoch without validation. @throws LanegradError if no log has the name */
  read(epoch: number, logs: Logs): number | null {
    const { name, where } = this
    if (Object.hasOwn(logs, name)) return logs[name]
    const { validationFreq } = this.params ?? { validationFreq: 0 }
    if (name.startsWith('val_') && validationFreq > 1 && (epoch + 1) % validationFreq !== 0) return null
    return unknownName(`${where}: monitor`, name, Object.keys(logs))
  }

  /** less: value + minDelta < reference; more: value - minDelta > reference. Never for NaN. */
  isBetter(value: number, reference: number): boolean {
    return this.sign * value + this.minDelta < this.sign * reference
  }

  /** Whether a value beats the best one, whose place it then takes. */
  improves(value: number): boolean {
    const isBetter = this.isBetter(value, this.best)
    if (isBetter) this.best = value
    return isBetter
  }

  toString(): string {
    return this.name
  }
}
