// What of bench/subjects/plain-js.mjs the Speed tab uses.
declare module '*/plain-js.mjs' {
  interface Trainer {
    step(i: number): void
    loss(): number
  }
  export const subject: {
    trainer(problem: {
      units: readonly number[]
      hidden: 'relu' | 'tanh'
      loss: 'crossEntropy' | 'mse'
      optimizer: 'adam' | 'sgd'
      learningRate: number
      batchSize: number
      batches: readonly { x: Float32Array; y: Int32Array }[]
      weights: readonly { kernel: Float32Array; bias: Float32Array }[]
    }): Trainer
  }
}
