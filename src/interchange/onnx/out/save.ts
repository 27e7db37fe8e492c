// A model to an ONNX file. Enters: a model. Leaves: the file's bytes; the model as it was.
// Layers write themselves as operations, as they do for a run (trace.ts); each operation has a form in ONNX (the tables of forms),
// which a builder simplifies while it grows (builder.ts). So whatever is made of known operations can be exported: layers
// within layers, models within models, layers of a user's own.

import type { Op } from '../../../graph/kernel.ts'
import type { Value } from '../../../graph/value.ts'
import { checkModel, type Model } from '../../../model/model.ts'
import type { Values } from '../../../network/network.ts'
import type { PlannedSession } from '../../../network/planned.ts'
import { BOOLEAN, fail, LanegradError, oneOf, readOptions } from '../../../numerics/errors.ts'
import { DATA_TYPE } from '../messages.ts'
import { attentionForms } from './attention-forms.ts'
import { OnnxBuilder } from './builder.ts'
import type { Form, FormContext } from './form.ts'
import { batchNormalizationOf, preluOf } from './patterns.ts'
import { plainForms } from './plain-forms.ts'
import { recurrentForms } from './recurrent-forms.ts'
import type { Tensor } from './tensor.ts'
import { addProblem, type Problems, type Trace, traceOf } from './trace.ts'
import { convOfOne, windowForms } from './window-forms.ts'
import { fileOf } from './write.ts'

/** Options of `saveOnnx`. */
export interface SaveOnnxOptions {
  /** The version of ONNX's operators. Only 17, which runtimes of 2022 and later read. Default 17. */
  readonly opset?: 17
  /** true: the file takes batches of any size; false: of one row. Default true. */
  readonly dynamicBatch?: boolean
}

const forms: Readonly<Record<string, Form>> = {
  ...plainForms,
  ...windowForms,
  ...attentionForms,
  ...recurrentForms,
}

/** A product of rows that is a convolution by one cell: its kernel has axes for the cells. */
function pointwise({ trace, tensorOf, b }: FormContext, { kernel, inputs, attributes }: Op): Tensor | null {
  const { transposeB } = attributes as { readonly transposeB?: boolean }
  const [rows, weights] = inputs.map((value) => trace.producerOf(value))
  const cells = weights?.kernel.view && !transposeB ? weights.inputs[0].shape.slice(0, -2) : []
  const image = rows?.kernel.view ? rows.inputs[0] : null
  if (kernel.name !== 'matmul' || !image || cells.length === 0 || cells.some((n) => n !== 1)) return null
  // the kernels of convolutions have three axes, of which the first may be idle
  const dims = trace.dimsOf(image)
  const idle = dims.length - cells.length - 2
  const [count, features] = trace.dimsOf(inputs[0])
  if (idle < 0 || dims[dims.length - 1] !== features || dims.slice(1, 1 + idle).some((n) => n !== 1))
    return null
  const x = b.reshape(tensorOf(image), [dims[0], ...dims.slice(1 + idle)])
  return b.reshape(convOfOne(b, x, tensorOf(inputs[1])), [count, inputs[1].shape[1]])
}

/** The outputs of a trace as values of a growing ONNX graph. */
function written(trace: Trace, session: PlannedSession, problems: Problems) {
  const b = new OnnxBuilder()
  const tensors = new Map<Value, Tensor>()
  const inputs = trace.inputs.map((value) => {
    const type = value.dtype === 'int32' ? DATA_TYPE.int32 : DATA_TYPE.float
    const made = b.input(value.leaf?.name ?? '', trace.dimsOf(value), type)
    tensors.set(value, made)
    return made
  })
  const leafOf = (value: Value): Tensor => {
    const { kind, name = '', data } = value.leaf ?? {}
    if (kind === 'parameter') {
      const spec = session.outline.byName.get(name) ?? fail(`no weight ${name}`)
      return b.constant(session.readWeight(spec).data, value.shape, name)
    }
    if (!data) fail(`${kind} ${name}, which only training has`)
    if (trace.isBatched(value)) return b.expand(b.scalar(data[0]), trace.dimsOf(value))
    return b.constant(data, value.shape, name)
  }
  const tensorOf = (value: Value): Tensor => {
    const known = tensors.get(value)
    if (known) return known
    if (trace.producerOf(value)) fail('what it works on has no form')
    const made = leafOf(value)
    tensors.set(value, made)
    return made
  }
  const context: FormContext = { b, trace, tensorOf }
  const failed = new Set<Value>()
  for (const op of trace.ops) {
    const made = [op.output, ...op.extras]
    b.label = op.label
    try {
      if (op.inputs.some((input) => failed.has(input))) {
        for (const value of made) failed.add(value) // told already
        continue
      }
      const form = forms[op.kernel.name] ?? fail(`the operation ${op.kernel.name}, which has no form in ONNX`)
      const inputs = op.inputs.map(tensorOf)
      const result =
        batchNormalizationOf(context, op) ??
        preluOf(context, op) ??
        pointwise(context, op) ??
        form(context, op as never, inputs)
      const outputs: readonly (Tensor | undefined)[] = Array.isArray(result) ? result : [result as Tensor]
      made.forEach((value, i) => {
        const tensor = outputs[i]
        if (tensor) tensors.set(value, tensor)
      })
    } catch (error) {
      if (!(error instanceof LanegradError)) throw error
      addProblem(problems, op.label, error.message)
      for (const value of made) failed.add(value)
    }
  }
  const outputs = trace.outputs.flatMap(({ name, value }) =>
    failed.has(value) ? [] : [{ name, tensor: tensorOf(value) }],
  )
  return { nodes: b.nodes, inputs, outputs }
}

/** @throws LanegradError with all problems, if there are any */
function refuse(problems: Problems): void {
  if (problems.size === 0) return
  const list = Array.from(
    problems,
    ([label, own]) => `${label ? `layer ${label}: ` : ''}${[...own].join(', ')}`,
  )
  fail(`saveOnnx: ${list.join('; ')}`)
}

/**
 * The model as an ONNX file, which predicts the same in onnxruntime and other runtimes: layers, layers within layers, models
 * within models and layers of your own. Inputs and outputs have the names, the shapes and the order of axes that they have here
 * (channels last; the first axis is the batch, `batch`); ids are int32. Dropout and noise, which only training has, are left
 * out. What training needs (losses, optimizer) doesn't go along.
 *
 * Between convolutions and pooling, values have their channels behind the batch, as ONNX has them. Masks (of `masking` and of an
 * embedding with maskZero) go along, whichever steps they leave out.
 * @throws LanegradError naming every layer that can't be exported; for inputs with an axis of unknown length
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { saveOnnx } from 'lanegrad/onnx'
 *
 * const model = sequential({ inputShape: [4], layers: [dense({ units: 3, activation: 'softmax' })] })
 * const bytes = saveOnnx(model, { opset: 17, dynamicBatch: true })
 * console.log(bytes.length > 100) // true
 * ```
 */
export function saveOnnx<V extends Values>(
  model: Model<V>,
  options: SaveOnnxOptions = {},
): Uint8Array<ArrayBuffer> {
  const { session } = checkModel('saveOnnx: model', model)
  const { opset, dynamicBatch } = readOptions('saveOnnx', options, {
    opset: [oneOf(17), 17],
    dynamicBatch: [BOOLEAN, true],
  })
  const problems: Problems = new Map()
  for (const { name, shape } of session.network.inputs)
    if (shape.includes(null))
      fail(
        `saveOnnx: input ${name} has an axis of unknown length: make the model with the length it will have`,
      )
  const trace = traceOf(session, dynamicBatch, problems)
  refuse(problems)
  const graph = written(trace, session, problems)
  refuse(problems)
  return fileOf(graph, trace, opset)
}
