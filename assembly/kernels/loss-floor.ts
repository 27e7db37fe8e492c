// The floor under probabilities whose logarithm is taken.
// Float64 reference: test/reference/losses.ts

/** Least probability whose logarithm is taken, as in Keras: a wrong 0 costs 16.1, not infinity, and can recover. */
export const PROBABILITY_FLOOR: f32 = 1e-7
