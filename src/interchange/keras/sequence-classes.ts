// Rows of the table: recurrent layers, their wrappers, attention.
import { multiHeadAttention } from '../../layers/attention.ts'
import { convLstm1d, convLstm2d, convLstm3d } from '../../layers/conv-lstm.ts'
import { groupedQueryAttention } from '../../layers/grouped-attention.ts'
import { additiveAttention, attention } from '../../layers/keras-attention.ts'
import type { NestedLayer } from '../../layers/nested.ts'
import { gru, lstm, simpleRnn } from '../../layers/recurrent.ts'
import { bidirectional, masking, timeDistributed } from '../../layers/wrappers.ts'
import { isRecord } from '../../numerics/errors.ts'
import {
  type Config,
  type Field,
  own,
  ownOnly,
  type ReadPlace,
  type Row,
  type Slot,
  same,
  slotsOf,
} from './row.ts'
import { activationField, kernelAndBias, weightFields } from './values.ts'

/** States are for the rows of a batch, whose number the inputs of the model tell. */
const stateful: Field = {
  own: 'stateful',
  read(value, at) {
    if (value === true && at.batch === null) at.refuse('stateful true where no input has a size of batches')
    return value
  },
  write: (value) => value === true || undefined,
}
const batchSize: Field = { own: 'batchSize', read: (value) => value, write: () => undefined }

/** The config with the number of rows that a stateful layer keeps states for. */
const withBatch = (config: Config, { batch }: ReadPlace): Config => ({
  ...config,
  batch_size: own(config, 'stateful') === true ? batch : null,
})

const sequence = {
  activation: activationField('activation'),
  return_sequences: same('returnSequences'),
  return_state: same('returnState'),
  go_backwards: same('goBackwards'),
  dropout: same('dropout'),
  recurrent_dropout: same('recurrentDropout'),
  stateful,
  batch_size: batchSize,
  ...kernelAndBias(),
  ...weightFields('recurrent'),
}

/** TensorFlow.js's own layers take hard_sigmoid where none is given. */
const gates = {
  recurrent_activation: activationField('recurrentActivation', (dialect) =>
    dialect === 'tfjs' ? 'hard_sigmoid' : 'sigmoid',
  ),
}

const cellSlots = slotsOf((c) => ['kernel', 'recurrent_kernel', c.useBias === true && 'bias'], 'cell/')

/** As many steps as may be written one by one: where no kernel walks them. */
const MOST_STEPS = 4096

function fewSteps(config: Config, at: ReadPlace): Config {
  const [[steps]] = at.shapes
  const isWalked =
    [undefined, 'tanh'].includes(own(config, 'activation') as string) &&
    own(config, 'recurrent_activation') === 'sigmoid'
  if (!isWalked && (steps ?? 0) > MOST_STEPS) at.refuse(`${steps} steps (at most ${MOST_STEPS})`)
  return withBatch(config, at)
}

const recurrent = (className: string, kind: string, make: Row['make'], fields: Row['fields']): Row => ({
  className,
  kind,
  make,
  fields: { units: same('units'), ...sequence, ...fields },
  prepare: fewSteps,
  slots: cellSlots,
})

const convLstm = (axes: number, make: Row['make'], lacks: Row['lacks'] = []): Row => ({
  className: `ConvLSTM${axes}D`,
  kind: `convLstm${axes}d`,
  make,
  fields: {
    filters: same('filters'),
    kernel_size: same('kernelSize'),
    strides: same('strides'),
    padding: same('padding'),
    dilation_rate: same('dilationRate'),
    ...sequence,
    ...gates,
    unit_forget_bias: same('unitForgetBias'),
  },
  only: { data_format: ['channels_last'] },
  prepare: fewSteps,
  slots: cellSlots,
  lacks,
})

/** Absent in files of TensorFlow.js and of Keras before 2.3, which have the other form. */
const resetAfter: Field = {
  own: 'resetAfter',
  absent: (dialect) => dialect === 'keras3',
  read: (value) => value,
  write(value, at) {
    if (value === true && at.dialect === 'tfjs') at.refuse('resetAfter true (make it with resetAfter: false)')
    return value
  },
}

/** A layer within a layer; `isEach`: it sees each step by itself. */
const innerLayer = (name: string, isEach = false): Field => ({
  own: name,
  read: (value, at) => at.inner(value, isEach ? at.shapes.map((shape) => shape.slice(1)) : at.shapes),
  write: (value, at) => (value ? at.outer(value as NestedLayer) : undefined),
})

const UNMERGED = 'two outputs'

/** The name of the layer in an entry { class_name, config }. */
function nameIn(entry: unknown): string {
  const config = isRecord(entry) ? own(entry, 'config') : null
  return String(isRecord(config) ? own(config, 'name') : '').replace(/^(forward|backward)_/, '') // as Keras 3 has it
}

const inside = (slots: readonly Slot[], ours: string, name: string, path: string): Slot[] =>
  slots.map((slot) => ({
    ...slot,
    own: `${ours}/${slot.own}`,
    name: name + slot.name,
    path: `${path}/${slot.path}`,
  }))

/**
 * The projections of attention by heads: kernels [in, heads, size] in Keras, [in, heads * size] here. `stored`: the heads of keys and
 * values.
 */
function projections(config: Config, heads: number, stored = heads, before = ''): Slot[] {
  return ['query', 'key', 'value', 'attention_output'].flatMap((name) => {
    const isLast = name === 'attention_output'
    const ours = isLast ? 'o' : name[0]
    const path = `${before}${isLast ? 'output' : name}_dense/vars`
    const own = /key|value/.test(name) ? stored : heads
    const split = (n: number) => [own, n / own]
    const kernel: Slot = {
      own: `w${ours}`,
      name: `${name}/kernel`,
      path: `${path}/0`,
      theirs: ([rows, columns]) => (isLast ? [...split(rows), columns] : [rows, ...split(columns)]),
    }
    const bias: Slot = {
      own: `b${ours}`,
      name: `${name}/bias`,
      path: `${path}/1`,
      theirs: ([columns]) => (isLast ? [columns] : split(columns)),
    }
    return config.useBias === true ? [kernel, bias] : [kernel]
  })
}

/** The size of the output, which Keras may give as a list. */
const outputDim: Field = {
  own: 'outputDim',
  read: (value) => (Array.isArray(value) && value.length === 1 ? value[0] : value),
  write: (value) => value,
}

/** Pairs of steps that a causal mask may have. */
const MOST_PAIRS = 1 << 24

function boundedMask(config: Config, { shapes, refuse }: ReadPlace): Config {
  const [queries, keys] = [shapes[0], shapes.at(-1)].map((shape) => shape?.[0] ?? 1)
  if (own(config, 'causal') === true && queries * keys > MOST_PAIRS)
    refuse(`a causal mask of ${queries} x ${keys} steps`)
  return config
}

export const sequenceClasses: readonly Row[] = [
  recurrent('SimpleRNN', 'simpleRnn', simpleRnn, {}),
  recurrent('LSTM', 'lstm', lstm, { ...gates, unit_forget_bias: same('unitForgetBias') }),
  recurrent('GRU', 'gru', gru, { ...gates, reset_after: resetAfter }),
  convLstm(1, convLstm1d, ['tfjs']),
  convLstm(2, convLstm2d),
  convLstm(3, convLstm3d, ['tfjs']),
  {
    className: 'Bidirectional',
    kind: 'bidirectional',
    make: bidirectional,
    fields: {
      layer: innerLayer('layer'),
      backward_layer: innerLayer('backwardLayer'),
      merge_mode: { ...same('mergeMode'), read: (value) => (value === UNMERGED ? null : value) },
    },
    // null is a mode of its own: two outputs
    prepare: (config) => (own(config, 'merge_mode') === null ? { ...config, merge_mode: UNMERGED } : config),
    slots(ours, config, inner) {
      const [entry, other] = [own(config, 'layer'), own(config, 'backward_layer') ?? own(config, 'layer')]
      const layer = ours.layer as NestedLayer
      const backward = (ours.backwardLayer ?? layer) as NestedLayer
      return [
        ...inside(inner(layer, entry), 'forward', `forward_${nameIn(entry)}/`, 'forward_layer'),
        ...inside(inner(backward, other), 'backward', `backward_${nameIn(other)}/`, 'backward_layer'),
      ]
    },
  },
  {
    className: 'TimeDistributed',
    kind: 'timeDistributed',
    make: timeDistributed,
    fields: { layer: innerLayer('layer', true) },
    prepare: (config) => config,
    slots: (ours, config, inner) =>
      inside(inner(ours.layer as NestedLayer, own(config, 'layer')), 'layer', '', 'layer'),
  },
  {
    className: 'Masking',
    kind: 'masking',
    make: masking,
    fields: { mask_value: same('maskValue') },
    // of steps with several axes Keras masks the parts of a step
    prepare(config, { shapes: [shape], refuse }) {
      if (shape.length !== 2) refuse(`a value of ${shape.length} axes beside the batch`)
      return config
    },
  },
  {
    className: 'MultiHeadAttention',
    kind: 'multiHeadAttention',
    make: multiHeadAttention,
    fields: {
      num_heads: same('numHeads'),
      key_dim: same('keyDim'),
      value_dim: same('valueDim'),
      output_shape: outputDim,
      dropout: same('dropout'),
      ...kernelAndBias(),
      causal: same('causal'), // an option of calls: the reader puts it here
      rotary: ownOnly('rotary'),
    },
    only: { attention_axes: [[1]], flash_attention: [], query_shape: [], key_shape: [], value_shape: [] },
    prepare: boundedMask,
    slots: (c) => projections(c, c.numHeads as number),
    lacks: ['tfjs'],
  },
  {
    className: 'GroupQueryAttention',
    kind: 'groupedQueryAttention',
    make: groupedQueryAttention,
    fields: {
      head_dim: same('keyDim'),
      num_query_heads: same('numQueryHeads'),
      num_key_value_heads: same('numKeyValueHeads'),
      value_dim: ownOnly('valueDim'),
      output_dim: ownOnly('outputDim'),
      dropout: same('dropout'),
      ...kernelAndBias(),
      causal: same('causal'),
      rotary: ownOnly('rotary'),
    },
    only: { use_gate: [], sliding_window: [], flash_attention: [] },
    prepare: boundedMask,
    slots: (c) => projections(c, c.numQueryHeads as number, c.numKeyValueHeads as number, '_'),
    lacks: ['tfjs'],
  },
  {
    className: 'Attention',
    kind: 'attention',
    make: attention,
    fields: {
      use_scale: same('useScale'),
      score_mode: same('scoreMode'),
      dropout: same('dropout'),
      causal: same('causal'),
    },
    prepare: boundedMask,
    slots: (c) => {
      const names = slotsOf((c) => [
        c.useScale === true && 'scale',
        c.scoreMode === 'concat' && 'concat_score_weight',
      ])
      return names(c).map((slot) => ({ ...slot, reshaped: true, theirs: () => [] }))
    },
    lacks: ['tfjs'],
  },
  {
    className: 'AdditiveAttention',
    kind: 'additiveAttention',
    make: additiveAttention,
    fields: { use_scale: same('useScale'), dropout: same('dropout'), causal: same('causal') },
    prepare: boundedMask,
    slots: slotsOf((c) => [c.useScale === true && 'scale']),
    lacks: ['tfjs'],
  },
]
