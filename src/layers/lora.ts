// A layer with low-rank adapters (Hu et al. 2021): each of its kernels becomes kernel + (alpha / rank) A B, and A and B are all that
// trains. `lora` puts it around layers of a model; the layer inside keeps its name and its weights' names.
import * as ops from '../graph/operations.ts'
import { POSITIVE, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { randomUniform } from './initializers.ts'
import { type LayerKind, type LayerKinds, readLayer } from './layer.ts'
import { readNested } from './nested.ts'
import { buildReweighted, matrixOf } from './reweighted.ts'

/** The two factors' names, behind that of their kernel. */
export const LORA_A = '_lora_a'
export const LORA_B = '_lora_b'

/** The options of adapters, beside the layers that get them. */
export const LORA = { rank: [POSITIVE_INTEGER, 8], alpha: [POSITIVE, 16] } as const

const readLora = (options: object, kinds?: LayerKinds) =>
  readLayer('adapted', options, {
    layer: (value: unknown, what: string) => readNested(what, value, kinds),
    ...LORA,
  })

export const loraKind: LayerKind<ReturnType<typeof readLora>> = {
  kind: 'adapted',
  read: readLora,
  outputs: ({ layer: { kind, config } }) => kind.outputs?.(config) ?? 1,
  build(context, inputs, { layer, rank, alpha }) {
    const frozen = { trainable: false }
    return buildReweighted(
      layer,
      context,
      inputs,
      ({ context: { g, weight }, own, shape, options }) => {
        const [rows, columns] = matrixOf(shape)
        const kernel = weight(own, shape, { ...options, ...frozen })
        const limit = 1 / Math.sqrt(rows)
        const a = weight(own + LORA_A, [rows, rank], {
          initializer: randomUniform({ minValue: -limit, maxValue: limit }),
        })
        const b = weight(own + LORA_B, [rank, columns], { initializer: 'zeros' })
        const change = ops.scale(g, ops.matmul(g, a, b), alpha / rank)
        return ops.plus(g, kernel, ops.reshape(g, change, shape))
      },
      (options) => ({ ...options, ...frozen }),
    )
  },
}
