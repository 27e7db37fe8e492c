// Weights between a model and a PyTorch module of the same architecture, by the safetensors file of its state_dict. A file is
// untrusted: everything is checked before the model is touched.
import { encodeSafetensors } from '../../formats/safetensors.ts'
import { checkModel, type Model } from '../../model/model.ts'
import type { Values } from '../../network/network.ts'
import { isFloat32 } from '../../numerics/brands.ts'
import type { ByteSource } from '../../numerics/bytes.ts'
import { check, fail, isObject, readOptions, show } from '../../numerics/errors.ts'
import type { Shape } from '../../numerics/shape.ts'
import { elementCount, type NamedArray } from '../../numerics/tensor.ts'
import { type LayerWeights, type Part, type Splits, splitsOf, type Unit, unitNamed } from './forms.ts'
import { type Match, matched, type StateDictNames } from './match.ts'
import { modulesOf, readTensors, tensorName } from './modules.ts'
import { ordersOf } from './order.ts'

/** Options of `loadStateDict`. */
export interface StateDictOptions {
  /**
   * PyTorch's names of modules, each with the name of its layer here, or null to leave it out: `{ 'encoder.0': 'dense_1' }`.
   * Or all keys of the state_dict in its order, `list(model.state_dict())`, which files of safetensors don't keep. Default {}.
   */
  readonly names?: StateDictNames
}

/** Options of `saveStateDict`. */
export interface SaveStateDictOptions {
  /**
   * PyTorch's names of modules, each with the name of its layer here, as `loadStateDict` returns them. Default {}: the layers'
   * names.
   */
  readonly names?: Readonly<Record<string, string | null>>
}

/** Calls `each` with the place in the weight and the place in the tensor of every element. */
function eachElement(
  { view, axes, roleAt, weightAt, orders }: Part,
  each: (weight: number, tensor: number) => void,
): void {
  const shape = axes.map((axis) => view[axis])
  const strides = axes.map((axis) => elementCount(view.slice(axis + 1)))
  let at = weightAt
  const last = shape.length - 1
  const walk = (axis: number, tensor: number): void => {
    const order = orders[axis]
    for (let i = 0; i < shape[axis]; i++) {
      const next = tensor + (order ? order[i] : i) * strides[axis]
      if (axis === last) each(at++, next)
      else walk(axis + 1, next)
    }
  }
  if (last < 0) each(at, roleAt)
  else walk(0, roleAt)
}

/** The units of all layers of a model, in the order of first calls. */
function unitsOf({ session: { network, outline } }: Model): Splits[] {
  const weights: LayerWeights = {
    shapeOf: (name): Shape | undefined => outline.byName.get(name)?.shape,
    under: (prefix) => outline.weights.flatMap(({ name }) => (name.startsWith(`${prefix}/`) ? name : [])),
  }
  const orders = ordersOf(network, outline.shapes)
  const layers = [...new Set(network.calls.map(({ layer }) => layer))]
  return layers.map((layer) => splitsOf(weights, layer.name, layer, orders.of(layer.name)))
}

/** The weights that the tensors make. @throws LanegradError where two tensors of one weight differ */
function weightsOf(model: Model, pairs: readonly Match[]): Record<string, NamedArray> {
  const { byName } = model.session.outline
  const weights: Record<string, NamedArray & { readonly data: Float32Array }> = {}
  const sources = new Map<string, string>()
  for (const { module, form } of pairs) {
    for (const part of form.parts) {
      const { name, data } = module.tensors.get(part.role) ?? fail(`no tensor ${part.role} of ${module.name}`)
      if (!isFloat32(data))
        fail(`loadStateDict: ${show(name)} must hold floating-point numbers; it holds integers`)
      const { shape = [] } = byName.get(part.weight) ?? {}
      const known = weights[part.weight]
      const own = known ?? { shape, data: new Float32Array(elementCount(shape)) }
      weights[part.weight] = own
      const source = `${part.weight} ${part.weightAt}`
      const before = sources.get(source)
      sources.set(source, name)
      if (part.isTerm) eachElement(part, (to, from) => (own.data[to] += data[from]))
      else if (before === undefined) eachElement(part, (to, from) => (own.data[to] = data[from]))
      else
        eachElement(part, (to, from) => {
          if (!Object.is(own.data[to], data[from]))
            fail(`loadStateDict: ${show(name)} and ${show(before)} differ; the model has one weight for both`)
        })
    }
  }
  return weights
}

/**
 * Sets the weights of a model to those of a PyTorch module of the same architecture: the safetensors file of its state_dict
 * (`safetensors.torch.save_file(net.state_dict(), path)`; F32, F16, BF16 or F64), or the files of a large one with their index.
 * Modules and layers find each other by name where names are equal, then by the shapes of what they hold; among those alike, by
 * the order of the state_dict, or by the numbers in their names. Layouts are changed: kernels are turned, and the rows behind
 * a flatten are those of [height, width, channels]. Epsilon, momentum and padding are the model's: PyTorch's defaults are
 * `batchNormalization({ epsilon: 1e-5, momentum: 0.9, unbiasedRunningVar: true })`, `layerNormalization({ epsilon: 1e-5 })` and
 * padding in numbers, `[[1, 1], [1, 1]]`, not 'same', where strides are larger than 1. Returns the names in PyTorch with those here,
 * for `saveStateDict`.
 * @throws LanegradError, with nothing changed, if a file is damaged or anything on either side has no partner: all of it is told
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { loadStateDict, saveStateDict } from 'lanegrad/torch'
 *
 * const net = (seed) => sequential({ inputShape: [4], layers: [dense({ units: 8 }), dense({ units: 2 })], seed })
 * const [first, second] = [net(1), net(2)]
 * const file = saveStateDict(first, { names: { fc1: 'dense_1', fc2: 'dense_2' } })
 * console.log(loadStateDict(second, file)) // { fc1: 'dense_1', fc2: 'dense_2' }
 * ```
 */
export function loadStateDict<V extends Values>(
  model: Model<V>,
  files: ByteSource | readonly ByteSource[],
  options: StateDictOptions = {},
): Record<string, string> {
  const checked = checkModel('loadStateDict: model', model) as unknown as Model
  const { names } = readOptions('loadStateDict', options, { names: [readNames, {}] })
  const modules = modulesOf(readTensors(files))
  const pairs = matched(unitsOf(checked), modules, names)
  checked.setWeights(weightsOf(checked, pairs))
  return Object.fromEntries(
    modules.flatMap(({ name }) =>
      pairs.flatMap(({ module, unit }) => (module.name === name ? [[name, unit.name]] : [])),
    ),
  )
}

function readNames(names: StateDictNames, what: string): StateDictNames {
  const isList = Array.isArray(names)
  const fits = isObject(names) && (!isList || names.every((name) => typeof name === 'string'))
  check(fits, what, 'an object of names, or a list of them', names)
  return names
}

/**
 * The weights of a model as the safetensors file of a state_dict, which PyTorch takes:
 * `net.load_state_dict(safetensors.torch.load_file(path))`. Modules have the layers' names, or those that `names` gives. What a
 * layer has in one bias and PyTorch in two is in the first.
 * @throws LanegradError on a name that isn't known, or two modules of one name
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { saveStateDict } from 'lanegrad/torch'
 *
 * const model = sequential({ inputShape: [4], layers: [dense({ units: 8 })] })
 * const bytes = saveStateDict(model, { names: { fc: 'dense_1' } }) // fc.weight [8, 4], fc.bias [8]
 * console.log(bytes.length > 4 * 8 * 5) // true
 * ```
 */
export function saveStateDict<V extends Values>(
  model: Model<V>,
  options: SaveStateDictOptions = {},
): Uint8Array<ArrayBuffer> {
  const { session } = checkModel('saveStateDict: model', model)
  const { names } = readOptions('saveStateDict', options, { names: [readNames, {}] })
  const layers = unitsOf(model as unknown as Model)
  const given = new Map<Unit, string>()
  for (const [name, target] of Object.entries(names)) {
    if (target === null) continue
    const unit = unitNamed(layers, `${target}`)
    if (!unit) fail(`saveStateDict: names: ${show(target)} isn't a name of the model`)
    given.set(unit, name)
  }
  const tensors = new Map<string, NamedArray>()
  for (const splits of layers) {
    const units = splits.find((own) => own.some((unit) => given.has(unit))) ?? splits[0] ?? []
    for (const unit of units) {
      const { roles, parts } = unit.forms[0]
      const module = given.get(unit) ?? unit.name.replaceAll('/', '.')
      const own = new Map<string, Float32Array>()
      for (const [role, shape] of roles) {
        const name = tensorName(module, role)
        if (tensors.has(name)) fail(`saveStateDict: two layers have the name ${show(name)}`)
        const data = new Float32Array(elementCount(shape))
        own.set(role, data)
        tensors.set(name, { shape, data })
      }
      const written = new Set<string>()
      for (const part of parts) {
        const spec = session.outline.byName.get(part.weight) ?? fail(`no weight ${part.weight}`)
        const to = own.get(part.role) as Float32Array
        const { data } = session.readWeight(spec)
        if (!part.isTerm || !written.has(part.weight)) eachElement(part, (from, at) => (to[at] = data[from]))
        written.add(part.weight)
      }
    }
  }
  return encodeSafetensors(tensors, { format: 'pt' })
}
