// What it costs to tell a picture in few numbers, in nats: the code, and the picture, given the code. Their sum bounds
// -log p(picture) from above (the evidence lower bound, negated); the network's loss is the same sum for each pixel.

/** The divergence of N(mean, exp(logVar)) from N(0, 1) in each number of a code: nats per picture, the mean over `count`. */
export function codeNats(mean: Float32Array, logVar: Float32Array, count: number): number {
  return mean.reduce((sum, m, i) => sum + 0.5 * (m * m + Math.exp(logVar[i]) - logVar[i] - 1), 0) / count
}

/** The cross-entropy of the pictures in what was drawn of them: nats per picture, the mean over `count`. */
export function pictureNats(originals: Float32Array, drawings: Float32Array, count: number): number {
  const log = (p: number) => Math.log(Math.max(p, 1e-7)) // as near to 0 as the loss goes
  return (
    originals.reduce((sum, x, i) => sum - x * log(drawings[i]) - (1 - x) * log(1 - drawings[i]), 0) / count
  )
}
