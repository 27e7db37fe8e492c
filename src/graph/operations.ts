// The operations that layers, losses and metrics are composed of, under one name: `import * as ops`, `ops.plus(g, a, b)`.
// Each is in a program that calls it, and its gradient with it.
export { binary, expand, mean, minus, plus, reduce, scale, sum, sumTo, times } from './ops/broadcast.ts'
export { matmul } from './ops/matmul.ts'
export { concatenate, copy, permute, reshape, slice, unslice } from './ops/moves.ts'
export { softmax } from './ops/softmax.ts'
export { split } from './ops/split.ts'
export { unary } from './ops/unary.ts'
