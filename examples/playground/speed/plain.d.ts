// What of bench/subjects/plain-js.mjs the Speed tab uses.
declare module '*/plain-js.mjs' {
  interface Weight {
    readonly shape: readonly number[]
    readonly data: Float32Array
  }
  interface Trainer {
    step(i: number): void
    loss(): number
  }
  export const subject: {
    trainer(problem: {
      layers: readonly {
        readonly units: number
        readonly activation: string
        readonly weights: { readonly kernel: Weight; readonly bias: Weight }
      }[]
      loss: 'crossEntropy' | 'mse'
      optimizer: 'adam' | 'sgd'
      learningRate: number
      batchSize: number
      batches: readonly { x: Float32Array; y: Int32Array }[]
    }): Trainer
  }
}
