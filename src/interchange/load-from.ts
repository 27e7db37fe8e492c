// Models from files and addresses. Enters: bytes, and the place they come from. Leaves: the model, or an error that names the place and,
// where the bytes look like a file of another maker, what reads it.

import { refuseOthers } from '../formats/signs.ts'
import type { Symbolic } from '../layers/layer.ts'
import { type LoadOptions, load } from '../model/create.ts'
import type { Model } from '../model/model.ts'
import type { Values } from '../network/network.ts'
import { messageOf } from '../numerics/brands.ts'
import { fail } from '../numerics/errors.ts'

/**
 * The model in bytes that came from `place`. The type parameter is as for `load`.
 * @throws LanegradError that begins with `what` and names the place
 */
export function loadFrom<V extends Values = Symbolic>(
  what: string,
  place: string,
  bytes: Uint8Array,
  options: LoadOptions,
): Model<V> {
  try {
    return load<V>(bytes, options)
  } catch (error) {
    refuseOthers(`${what}: ${place}`, bytes, /^a safetensors/)
    return fail(`${what}: ${place}: ${messageOf(error)}`)
  }
}
