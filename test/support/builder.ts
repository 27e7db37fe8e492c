// What tests write graphs with: the operations as methods, and a writer's own ways of adding kernels and leaves.
import { type GraphBuilder, graphBuilder } from '../../src/graph/builder.ts'
import { GraphWriter } from '../../src/graph/writer.ts'

export type TestBuilder = GraphBuilder & Pick<GraphWriter, 'add' | 'leaf' | 'ops'>

/** A builder that writes through `writer`. */
export const testBuilder = (writer = new GraphWriter()): TestBuilder => ({
  ...graphBuilder(writer),
  add: (...operation) => writer.add(...operation),
  leaf: (...leaf) => writer.leaf(...leaf),
  ops: writer.ops,
})
