// Where `loss` and `lossGrad` find the operands they share: byte offsets from the word of the prediction on.
export const PREDICTION = 0
export const TARGET = 4
export const WEIGHTS = 8 // 0: none
export const ROWS = 12
export const COLS = 16
export const ROWS_PER_WEIGHT = 20
export const KIND = 24
export const FLAGS = 28
export const PARAM = 32 // f32: huber's delta, label smoothing
export const SCALE = 36 // f32
export const IGNORE_INDEX = 40 // i32

/** Least probability whose logarithm is taken, as in Keras: a wrong 0 costs 16.1, not infinity, and can recover. */
export const PROBABILITY_FLOOR: f32 = 1e-7
