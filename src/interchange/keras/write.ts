// Our models become Keras's. Enters: a model. Leaves: the topology { class_name, config } of a Functional model, and its weights in
// the order of the layers, or one LanegradError that names all that the dialect doesn't have. Models within the model are written in
// line, layers named `encoder.dense_1`.
//
// Each layer that is written is read again, and must come back with the options it had: what a dialect can't express is refused
// by the option's name.
import type { Symbolic } from '../../layers/layer.ts'
import type { NestedLayer } from '../../layers/nested.ts'
import { checkModel, type Model } from '../../model/model.ts'
import { type Call, type NetworkLayer, outputName, outputsIn, type Values } from '../../network/network.ts'
import { fail, show } from '../../numerics/errors.ts'
import type { RowShape } from '../../numerics/shape.ts'
import type { NamedArray } from '../../numerics/tensor.ts'
import { rowOfLayer, slotsOfLayer } from './classes.ts'
import { layersByDepth } from './depth-order.ts'
import { pathName } from './names.ts'
import type { WeightPlace } from './read.ts'
import { type Findings, layerOf, placeOf } from './read-layer.ts'
import { type Config, type Dialect, type Row, type WritePlace, writeFields } from './row.ts'

/** A weight of a written model: what names it in some format, and its numbers. */
export interface WrittenWeight {
  /** Our name and shape. */
  readonly name: string
  readonly shape: readonly number[]
  readonly place: WeightPlace
  readonly array: NamedArray
}

export interface Written {
  readonly topology: { readonly class_name: string; readonly config: Config }
  readonly weights: readonly WrittenWeight[]
}

/** The names of Keras 3's modules, by the names of classes that aren't among its layers. */
const entryOf = (dialect: Dialect, className: string, config: Config): Config => ({
  ...(dialect === 'keras3' && {
    module: className === 'Functional' ? 'keras.src.models.functional' : 'keras.layers',
  }),
  class_name: className,
  config,
  ...(dialect === 'keras3' && { registered_name: null }),
})

/** Options that only initial weights depend on: they may come back in another form. */
const isInitial = (key: string): boolean => /Initializer$|^unitForgetBias$/.test(key)

/** What a config says of a computation, as text. */
const essence = (config: object): string =>
  JSON.stringify(config, (key, value: unknown) => (isInitial(key) ? undefined : value))

/** The options of two configs that differ. */
function differing(a: Config, b: Config, isSame: (option: string) => boolean): string[] {
  return Object.keys(a)
    .filter(
      (key) => !isInitial(key) && essence({ value: a[key] }) !== essence({ value: b[key] }) && !isSame(key),
    )
    .map((key) => `${key} ${show(a[key])}`)
}

/** The model in a dialect; `what`: the function that messages name. @throws LanegradError naming all that the dialect lacks */
export function writeTopology<V extends Values = Symbolic>(
  given: Model<V>,
  { what, dialect, maker }: { readonly what: string; readonly dialect: Dialect; readonly maker: string },
): Written {
  const { session } = checkModel(`${what}: model`, given)
  const { network, outline } = session
  const problems = new Set<string>()
  const written = new Map<NetworkLayer, { readonly row: Row; readonly config: Config }>()
  const shapeOf = (value: string): RowShape =>
    network.inputs.find(({ name }) => name === value)?.shape ?? outline.shapes.get(value) ?? []
  const kindsLacking = new Map<string, string[]>()
  /** Layers that keep states need it in the file. */
  const batch = session.feeds.rows ?? null

  /** The entry of a layer; undefined: the dialect has no such layer. */
  function writeLayer(
    layer: Pick<NetworkLayer, 'kind' | 'config'>,
    name: string,
    shapes: readonly RowShape[],
  ): { row: Row; config: Config } | undefined {
    const { kind } = layer
    const row = rowOfLayer(layer, dialect)
    if (!row) {
      kindsLacking.set(kind.kind, [...(kindsLacking.get(kind.kind) ?? []), name])
      return undefined
    }
    const at: WritePlace = {
      dialect,
      layer: `${kind.kind} ${name}`,
      note() {},
      shapes,
      refuse: (text) => problems.add(`${kind.kind} ${name}: ${text}`),
      outer(inner: NestedLayer) {
        const own_ = `${name}_${inner.kind.kind}`
        const made = writeLayer(inner, own_, shapes)
        return made
          ? entryOf(dialect, made.row.className, { name: own_, trainable: true, ...made.config })
          : {}
      },
    }
    return { row, config: writeFields(row, layer.config as Config, at) }
  }

  const callsOf = new Map(layersByDepth(network).map((layer): [NetworkLayer, Call[]] => [layer, []]))
  for (const call of network.calls) callsOf.get(call.layer)?.push(call)
  for (const [layer, [{ inputs }]] of callsOf) {
    const before = problems.size + kindsLacking.size
    const made = writeLayer(layer, layer.name, inputs.map(shapeOf))
    if (!made) continue
    written.set(layer, made)
    if (problems.size + kindsLacking.size > before) continue
    const findings: Findings = { dialect, notes: [], problems, batch }
    const at = placeOf(findings, `${layer.kind.kind} ${layer.name}`, () => undefined, inputs.map(shapeOf))
    const again = layerOf(findings, made.row, made.config, null, at)
    if (!again) continue
    // two of our values may be one there: sharedAxes of prelu, null and all axes but the last
    const rewritten = writeLayer(again, layer.name, inputs.map(shapeOf))?.config ?? {}
    const isSame = (option: string) =>
      Object.entries(made.row.fields).some(
        ([key, field]) =>
          field.own === option &&
          made.config[key] !== undefined &&
          essence({ value: made.config[key] }) === essence({ value: rewritten[key] }),
      )
    const lost = differing(layer.config as Config, again.config as Config, isSame)
    for (const option of lost) problems.add(`${layer.kind.kind} ${layer.name}: ${option}`)
  }
  const lacking = [...kindsLacking].map(([kind, names]) => `${kind} (${names.join(', ')})`)
  if (lacking.length + problems.size > 0)
    fail(`${what}: ${maker} doesn't have: ${[...lacking, ...problems].join('; ')}`)

  /** A value as the name of a layer, the number of its call, and that of the output. */
  const refs = new Map<string, readonly [string, number, number]>()
  for (const { name } of network.inputs) refs.set(name, [name, 0, 0])
  for (const [layer, calls] of callsOf)
    calls.forEach((call, i) => {
      for (let output = 0; output < outputsIn(call); output++)
        refs.set(outputName(call.name, output), [layer.name, i, output])
    })
  const refOf = (value: string) => refs.get(value) ?? fail(`${what}: no value ${value}`)
  const dtypeOf = (value: string) => network.inputs.find(({ name }) => name === value)?.dtype ?? 'float32'
  const tensorOf = (value: string) => ({
    class_name: '__keras_tensor__',
    config: { shape: [batch, ...shapeOf(value)], dtype: dtypeOf(value), keras_history: refOf(value) },
  })
  const nodeOf = ({ inputs, layer }: Call): unknown => {
    if (dialect !== 'keras3') return inputs.map((value) => [...refOf(value), {}])
    const tensors = inputs.map(tensorOf)
    const { causal } = layer.config as { readonly causal?: boolean }
    return {
      args: isMerge(layer.kind.kind) ? [tensors] : tensors,
      kwargs: causal ? { use_causal_mask: true } : {},
    }
  }

  const inputs = network.inputs.map(({ name, shape, dtype }) => {
    const full = [batch, ...shape]
    const config = {
      name,
      dtype,
      sparse: false,
      ...(dialect === 'keras3' ? { batch_shape: full } : { batch_input_shape: full }),
    }
    return { ...entryOf(dialect, 'InputLayer', config), name, inbound_nodes: [] }
  })
  const layers = [...callsOf].map(([layer, calls]) => {
    const { row, config } = written.get(layer) as { readonly row: Row; readonly config: Config }
    const { causal: _, ...plain } = config
    const { name, trainable } = layer
    // some of Keras 3's layers without weights take no `trainable`
    const isFixed = dialect === 'keras3' && !row.slots
    const full = { name, ...(!isFixed && { trainable }), dtype: 'float32', ...plain }
    return { ...entryOf(dialect, row.className, full), name, inbound_nodes: calls.map(nodeOf) }
  })
  const name = network.name ?? 'model'
  const config = {
    name,
    ...(dialect === 'keras3' && { trainable: true }),
    layers: [...inputs, ...layers],
    input_layers: network.inputs.map(({ name }) => refOf(name)),
    output_layers: network.outputs.map(({ value }) => refOf(value)),
  }

  const counts = new Map<string, number>()
  const weights = [...callsOf.keys()].flatMap((layer): WrittenWeight[] => {
    const { row, config } = written.get(layer) as { readonly row: Row; readonly config: Config }
    const count = counts.get(row.className) ?? 0
    counts.set(row.className, count + 1)
    const path = `layers/${pathName(row.className)}${count > 0 ? `_${count}` : ''}`
    return slotsOfLayer(row, layer.config as Config, config).map((slot) => {
      const spec = outline.byName.get(`${layer.name}/${slot.own}`) ?? fail(`${what}: no weight ${slot.own}`)
      return {
        name: spec.name,
        shape: spec.shape,
        place: {
          owners: [],
          layer: layer.name,
          className: row.className,
          name: slot.name,
          path: `${path}/${slot.path}`,
        },
        array: { shape: slot.theirs?.(spec.shape) ?? spec.shape, data: session.readWeight(spec).data },
      }
    })
  })
  const className = dialect === 'tfjs' ? 'Model' : 'Functional'
  return { topology: entryOf(dialect, className, config) as Written['topology'], weights }
}

/** Layers that take a list of values. */
const isMerge = (kind: string): boolean =>
  /^(add|subtract|multiply|average|maximum|minimum|concatenate|dot|attention|additiveAttention)$/.test(kind)
