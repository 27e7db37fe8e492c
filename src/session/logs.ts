// The numbers `fit` and `evaluate` report.

/** Numbers by name: `loss`, `accuracy`, `val_loss`, ... (several outputs: `<output>_loss`, ...). */
export type Logs = Readonly<Record<string, number>>

/** One number per epoch for each log: `history.loss`, `history.val_accuracy`, ... */
export type History = Readonly<Record<string, readonly number[]>>

/** The same with `loss`, which is always among what a run gives (of `fit`: unless no epoch was whole). */
export type WithLoss<L extends Logs | History> = L & { readonly loss: L[string] }
