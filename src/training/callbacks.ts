// What `fit` tells the outside: hooks as a plain object, and the history it returns.

/** Numbers by name: `loss`, `accuracy`, `val_loss`, ... (several outputs: `<output>_loss`, ...). */
export type Logs = Readonly<Record<string, number>>

export interface FitParams {
  readonly epochs: number
  /** Steps per epoch. */
  readonly steps: number
  readonly samples: number
  readonly batchSize: number
}

/** Every hook is optional; `fit` awaits each. Logs of a batch are means over the epoch so far. */
export interface Callback {
  onTrainBegin?(params: FitParams): void | Promise<void>
  onEpochBegin?(epoch: number): void | Promise<void>
  onBatchEnd?(batch: number, logs: Logs): void | Promise<void>
  onEpochEnd?(epoch: number, logs: Logs): void | Promise<void>
  onTrainEnd?(logs: Logs): void | Promise<void>
}

/** One number per epoch for each log: `history.loss`, `history.val_accuracy`, ... */
export type History = Readonly<Record<string, readonly number[]>>
