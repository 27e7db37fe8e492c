// What PyTorch's modules hold for each kind of layer. Enters: a layer's kind, config and weights. Leaves: units, each with the
// tensors that a module of PyTorch has for it and where each of their elements lies in the layer's weights.

import { fail } from '../../numerics/errors.ts'
import type { Shape } from '../../numerics/shape.ts'
import { elementCount } from '../../numerics/tensor.ts'
import type { Order } from './order.ts'

/** A block of a tensor that is a block of a weight, its axes permuted. */
export interface Part {
  /** `weight`, `bias_hh`, ...: the tensor within its module. */
  readonly role: string
  /** The full name of the weight. */
  readonly weight: string
  /** The shape of the block in the tensor. Axis i of the weight is the tensor's axis `axes[i]`. */
  readonly view: Shape
  readonly axes: readonly number[]
  /** Elements of the tensor, and of the weight, before the block. */
  readonly roleAt: number
  readonly weightAt: number
  /** For each axis of the weight, the places of its entries in the tensor; null: the same ones. */
  readonly orders: readonly (Order | null)[]
  /** Whether the weight is the sum of two tensors: PyTorch's recurrent layers have two biases. */
  readonly isTerm: boolean
}

/** One way in which PyTorch holds a unit. */
export interface Form {
  readonly roles: ReadonlyMap<string, Shape>
  readonly parts: readonly Part[]
}

/** The counterpart of one module of PyTorch: a layer, or a part of one. */
export interface Unit {
  /** The layer's name, `layer/inner` for layers within layers and for parts. */
  readonly name: string
  readonly forms: readonly Form[]
  /** Whether a file may lack it: a weight that is another layer's. */
  readonly isOptional: boolean
}

/** A layer's units; PyTorch has several ways of splitting some layers into modules. */
export type Splits = readonly (readonly Unit[])[]

/** What is asked of a model's weights. */
export interface LayerWeights {
  /** The shape of a weight of the model by its full name. */
  shapeOf(name: string): Shape | undefined
  /** The full names of the weights of a layer, by the beginning of their names. */
  under(prefix: string): readonly string[]
}

interface Config {
  readonly layer?: Nested
  readonly backwardLayer?: Nested | null
  readonly layers?: readonly Nested[]
  readonly names?: readonly string[]
  readonly resetAfter?: boolean
  readonly tiedTo?: string | null
  readonly numHeads?: number
}

interface Nested {
  readonly kind: { readonly kind: string }
  readonly config: object
}

/** The unit of that name: its own, that of one of its weights, or that of a layer with one unit. */
export const unitNamed = (layers: readonly Splits[], name: string): Unit | undefined =>
  layers
    .flat(2)
    .find(
      (unit) =>
        unit.name === name || unit.forms.some(({ parts }) => parts.some(({ weight }) => weight === name)),
    ) ??
  layers
    .flatMap(([units]) => (units.length === 1 ? units : []))
    .find((unit) => unit.name.startsWith(`${name}/`))

/** The key by which forms and modules find each other: roles with shapes. */
export const keyOf = (roles: ReadonlyMap<string, Shape>): string =>
  [...roles]
    .map(([role, shape]) => `${role}[${shape.join(',')}]`)
    .sort()
    .join(' ')

type Given = Partial<Part> & Pick<Part, 'role' | 'weight' | 'view'>

const part = (given: Given): Part => ({
  axes: given.view.map((_, axis) => axis),
  roleAt: 0,
  weightAt: 0,
  orders: [],
  isTerm: false,
  ...given,
})

/** A form whose tensors are as large as their parts together, on the first axis. */
function form(parts: readonly Part[], shapes: Readonly<Record<string, Shape>> = {}): Form {
  const roles = new Map<string, Shape>()
  for (const { role, view } of parts) {
    const known = roles.get(role)
    roles.set(role, shapes[role] ?? (known ? [known[0] + view[0], ...known.slice(1)] : view))
  }
  return { roles, parts }
}

const unit = (name: string, forms: readonly Form[], isOptional = false): Unit => ({ name, forms, isOptional })

/** A kernel [in, out] and a bias [out], as nn.Linear has them: [out, in] and [out]. */
function linear(
  { shapeOf }: LayerWeights,
  [kernel, bias]: readonly [string, string],
  [into, out]: readonly [Order | null, Order | null] = [null, null],
): Part[] {
  const [inputs, units] = shapeOf(kernel) ?? []
  const found: Part[] = []
  if (units !== undefined)
    found.push(
      part({ role: 'weight', weight: kernel, view: [units, inputs], axes: [1, 0], orders: [into, out] }),
    )
  const [length] = shapeOf(bias) ?? []
  if (length !== undefined) found.push(part({ role: 'bias', weight: bias, view: [length], orders: [out] }))
  return found
}

/** Weights as they are, by role. */
const plain = (
  { shapeOf }: LayerWeights,
  prefix: string,
  roles: Readonly<Record<string, string>>,
  order: Order | null = null,
): Part[] =>
  Object.entries(roles).flatMap(([own, role]) => {
    const view = shapeOf(`${prefix}/${own}`)
    return view ? part({ role, weight: `${prefix}/${own}`, view, orders: [order] }) : []
  })

/** A kernel [k..., C / groups, F] as [F, C / groups, k...]; a transposed one [k..., F / groups, C] as [C, F / groups, k...]. */
function convolution(weights: LayerWeights, kernel: string): Part[] {
  const shape = weights.shapeOf(kernel) ?? []
  const rank = shape.length - 2
  const sizes = shape.slice(0, rank)
  const axes = [...sizes.map((_, axis) => axis + 2), 1, 0]
  return [part({ role: 'weight', weight: kernel, view: [shape[rank + 1], shape[rank], ...sizes], axes })]
}

/** A kernel [k..., C, m] as [C m, 1, k...]. */
function depthwise(weights: LayerWeights, kernel: string, bias: readonly Part[]): Form {
  const shape = weights.shapeOf(kernel) ?? []
  const sizes = shape.slice(0, -2)
  const [channels, multiplier] = shape.slice(-2)
  const axes = [...sizes.map((_, axis) => axis + 2), 0, 1]
  const view = [channels, multiplier, ...sizes]
  const weight = [channels * multiplier, 1, ...sizes]
  return form([part({ role: 'weight', weight: kernel, view, axes }), ...bias], { weight })
}

/** The columns of gates in PyTorch's order r, z, n; here they are z, r, n. */
const gruOrder = (units: number): Order =>
  Int32Array.from({ length: 3 * units }, (_, i) => [1, 0, 2][Math.floor(i / units)] * units + (i % units))

/** A recurrent layer's weights as weight_ih, weight_hh, bias_ih, bias_hh; `end`: of roles that read backwards. */
function recurrent(weights: LayerWeights, prefix: string, kind: string, end: string): Part[] {
  const [inputs, columns] = weights.shapeOf(`${prefix}/kernel`) ?? [0, 0]
  const [units] = weights.shapeOf(`${prefix}/recurrent_kernel`) ?? [0]
  const bias = weights.shapeOf(`${prefix}/bias`)
  const order = kind === 'gru' ? gruOrder(units) : null
  const matrix = (role: string, own: string, rows: number) =>
    part({
      role: role + end,
      weight: `${prefix}/${own}`,
      view: [columns, rows],
      axes: [1, 0],
      orders: [null, order],
    })
  const isTerm = bias?.length === 1
  const vector = (role: string, row: number) =>
    part({
      role: role + end,
      weight: `${prefix}/bias`,
      view: [columns],
      weightAt: row,
      orders: [order],
      isTerm,
    })
  return [
    matrix('weight_ih', 'kernel', inputs),
    matrix('weight_hh', 'recurrent_kernel', units),
    ...(bias ? [vector('bias_ih', 0), vector('bias_hh', isTerm ? 0 : columns)] : []),
  ]
}

/**
 * Attention as nn.MultiheadAttention has it, one matrix of queries, keys and values and one behind the heads; as four linear
 * layers; and as nn.MultiheadAttention with kdim or vdim has it.
 */
function attention(weights: LayerWeights, prefix: string): Splits {
  const names = (own: string) => [`${prefix}/w${own}`, `${prefix}/b${own}`] as const
  const projections = ['q', 'k', 'v'].map((own) => linear(weights, names(own)))
  const out = unit(`${prefix}/out_proj`, [form(linear(weights, names('o')))])
  const at = { weight: 0, bias: 0 }
  const joined = projections.flat().map((one): Part => {
    const role = one.role as 'weight' | 'bias'
    const roleAt = at[role]
    at[role] += elementCount(one.view)
    return { ...one, roleAt }
  })
  const of = (parts: readonly Part[], role: string) => parts.filter((one) => one.role === role)
  const apart = (own: string, parts: readonly Part[]) => unit(`${prefix}/${own}_proj`, [form(parts)])
  const inBias = of(joined, 'bias')
  const splits = [
    ['q', 'k', 'v'].map((own, i) => apart(own, projections[i])).concat(out),
    [
      ...['q', 'k', 'v'].map((own, i) =>
        unit(`${prefix}/${own}_proj_weight`, [
          form(of(projections[i], 'weight').map((one) => ({ ...one, role: '' }))),
        ]),
      ),
      ...(inBias.length > 0 ? [unit(`${prefix}/in_proj`, [form(inBias)])] : []),
      out,
    ],
  ]
  const shapes = projections.map(([{ view }]) => view.join())
  const isJoint = shapes.every((shape) => shape === shapes[0])
  return isJoint ? [[unit(`${prefix}/in_proj`, [form(joined)]), out], ...splits] : splits.reverse()
}

/** The full name of the kernel or table that a dense layer is tied to, as the layer finds it. */
function tiedName({ shapeOf }: LayerWeights, prefix: string, tiedTo: string): string | undefined {
  const around = [...prefix.matchAll(/\./g)].map(({ index }) => prefix.slice(0, index + 1)).reverse()
  return [...around, '']
    .flatMap((outer) => [`${outer}${tiedTo}/kernel`, `${outer}${tiedTo}/embeddings`])
    .find((name) => shapeOf(name))
}

/** A dense layer that uses another one's kernel: PyTorch lists a shared table twice, or, as files mostly do, once. */
function tied(weights: LayerWeights, prefix: string, tiedTo: string): Unit[] {
  const bias = plain(weights, prefix, { bias: 'bias' })
  const name = tiedName(weights, prefix, tiedTo)
  const view = name === undefined ? undefined : weights.shapeOf(name)
  const forms = bias.length > 0 ? [form(bias)] : []
  if (name?.endsWith('/embeddings') && view)
    forms.unshift(form([part({ role: 'weight', weight: name, view }), ...bias]))
  return forms.length > 0 ? [unit(prefix, forms, bias.length === 0)] : []
}

/** The units of a layer. `orders`: of the features that it reads and of those that it makes. */
export function splitsOf(
  weights: LayerWeights,
  prefix: string,
  { kind: { kind }, config }: Nested,
  orders: readonly [Order | null, Order | null],
): Splits {
  const own = (name: string) => `${prefix}/${name}`
  const bias = plain(weights, prefix, { bias: 'bias' })
  const { layer, backwardLayer, layers = [], names = [], resetAfter, tiedTo = null } = config as Config
  const one = (parts: readonly Part[]): Splits => (parts.length > 0 ? [[unit(prefix, [form(parts)])]] : [[]])
  const all = (...splits: readonly Splits[]): Splits => [splits.flatMap(([first]) => first)]
  switch (kind) {
    case 'dense':
      return tiedTo === null
        ? one(linear(weights, [own('kernel'), own('bias')], orders))
        : [tied(weights, prefix, tiedTo)]
    case 'conv1d':
    case 'conv2d':
    case 'conv3d':
    case 'conv1dTranspose':
    case 'conv2dTranspose':
    case 'conv3dTranspose':
      return one([...convolution(weights, own('kernel')), ...bias])
    case 'depthwiseConv1d':
    case 'depthwiseConv2d':
      return [[unit(prefix, [depthwise(weights, own('kernel'), bias)])]]
    case 'separableConv1d':
    case 'separableConv2d':
      return [
        [
          unit(own('depthwise'), [depthwise(weights, own('depthwise_kernel'), [])]),
          unit(own('pointwise'), [form([...convolution(weights, own('pointwise_kernel')), ...bias])]),
        ],
      ]
    case 'batchNormalization': {
      const moving = { moving_mean: 'running_mean', moving_variance: 'running_var' }
      return one(plain(weights, prefix, { gamma: 'weight', beta: 'bias', ...moving }, orders[0]))
    }
    case 'layerNormalization':
    case 'groupNormalization':
      return one(plain(weights, prefix, { gamma: 'weight', beta: 'bias' }, orders[0]))
    case 'rmsNormalization':
      return one(plain(weights, prefix, { scale: 'weight' }, orders[0]))
    case 'prelu':
      return one(plain(weights, prefix, { alpha: 'weight' }, orders[0]))
    case 'embedding':
      return one(plain(weights, prefix, { embeddings: 'weight' }))
    case 'positionEmbedding': {
      const [table] = plain(weights, prefix, { position: 'weight' })
      const bare = { ...table, role: '' }
      const forms = [form([table]), form([bare]), form([bare], { '': [1, ...table.view] })]
      return [[unit(prefix, forms)]]
    }
    case 'simpleRnn':
    case 'lstm':
    case 'gru':
      if (resetAfter === false) return raw(weights, prefix)
      return one(recurrent(weights, prefix, kind, ''))
    case 'bidirectional': {
      const [there, back] = [layer, backwardLayer ?? layer] as const
      if (!there || !back || (there.config as Config).resetAfter === false) return raw(weights, prefix)
      if (!/^(simpleRnn|lstm|gru)$/.test(there.kind.kind)) return raw(weights, prefix)
      return one([
        ...recurrent(weights, own('forward'), there.kind.kind, ''),
        ...recurrent(weights, own('backward'), back.kind.kind, '_reverse'),
      ])
    }
    case 'multiHeadAttention':
      return attention(weights, prefix)
    case 'timeDistributed':
      return layer ? splitsOf(weights, own('layer'), layer, [null, null]) : [[]]
    case 'block': {
      const isMoved = layers.some(({ kind }) => kind.kind === 'flatten' || kind.kind === 'reshape')
      if (isMoved && weights.under(prefix).length > 0)
        fail(
          `layer ${prefix}: a block with flatten or reshape inside has features in another order than PyTorch's; put the layers into the model`,
        )
      return all(...layers.map((inner, i) => splitsOf(weights, own(names[i]), inner, [null, null])))
    }
    default:
      return raw(weights, prefix)
  }
}

/** Weights that no module of PyTorch has: parameters of the same shape. A bias is in a file what modules of PyTorch's have. */
function raw(weights: LayerWeights, prefix: string): Splits {
  const modules = new Map<string, Part[]>()
  for (const name of weights.under(prefix)) {
    const [, module = name, role = ''] = /^(.+)\/(weight|bias|running_mean|running_var)$/.exec(name) ?? []
    const parts = modules.get(module) ?? []
    modules.set(module, parts)
    parts.push(part({ role, weight: name, view: weights.shapeOf(name) ?? [] }))
  }
  return [[...modules].map(([name, parts]) => unit(name, [form(parts)]))]
}
