// The operation that makes floats of integers: images in bytes.
import * as abi from '../../assembly/abi.ts'
import { extrasModule } from '../binaries/core.ts'
import type { Kernel, Writer } from '../graph/kernel.ts'
import type { Value } from '../graph/value.ts'
import { elementCount } from '../numerics/tensor.ts'

/** x, int32, as float32: exact up to 2^24. */
export const convert: Kernel = {
  name: 'convert',
  module: extrasModule,
  code: abi.OP_CONVERT,
  words: ({ output, inputs: [x] }) => ({
    [abi.CONVERT_DST]: output,
    [abi.CONVERT_SRC]: x,
    [abi.CONVERT_COUNT]: elementCount(x.shape),
  }),
  int32: [0],
}

/** x as float32. */
export const floats = (g: Writer, x: Value): Value => (x.dtype === 'int32' ? g.add(convert, [x], {})[0] : x)
