// The description of a network in a file. Enters: a network, or JSON of unknown origin. Leaves: plain data, or the network that it
// stands for.

import { checkLayerName, DTYPE, INPUT_SHAPE, type LayerKinds } from '../layers/layer.ts'
import { BOOLEAN, check, fail, isRecord, must, oneOf, show, unknownName } from '../numerics/errors.ts'
import type { Structure } from '../rows/rows.ts'
import {
  type Call,
  callName,
  checkNetwork,
  isName,
  type ModelCall,
  type Network,
  type NetworkInput,
  type NetworkLayer,
  name,
  uniqueNames,
  valuesOf,
} from './network.ts'

/** The network as JSON data. */
export function describe(network: Network): object {
  const layers = [...new Set(network.calls.map((call) => call.layer))]
  const { name, models, ...plain } = network
  return {
    ...(name !== null && { name }),
    ...plain,
    ...(models.length > 0 && { models }),
    layers: layers.map(({ name, kind, config, trainable }) => ({ name, kind: kind.kind, config, trainable })),
    calls: network.calls.map(({ name, layer, inputs }) => ({ name, layer: layer.name, inputs })),
  }
}

function objects(value: unknown, what: string): Record<string, unknown>[] {
  check(Array.isArray(value) && value.every(isRecord), what, 'a list of objects', value)
  return value
}

/** The name of an input or a layer, by the rules of the API. */
function checkedName(value: unknown, what: string): string {
  checkLayerName(value, what)
  return value as string
}

const structure = (value: unknown, what: string): Structure =>
  must(oneOf('single', 'list', 'record'), value, what)

/** The network a description stands for. The description is untrusted. @throws LanegradError */
export function readNetwork(data: unknown, kinds: LayerKinds): Network {
  check(isRecord(data), 'model description', 'an object', data)
  const inputs = objects(data.inputs, 'inputs').map((entry): NetworkInput => {
    const { shape, dtype } = entry
    return {
      name: checkedName(entry.name, 'name of an input'),
      shape: must(INPUT_SHAPE, shape, 'shape of an input'),
      dtype: must(DTYPE, dtype, 'dtype of an input'),
    }
  })
  const layers = new Map<string, NetworkLayer>()
  for (const entry of objects(data.layers, 'layers')) {
    const own = checkedName(entry.name, 'name of a layer')
    const kind =
      kinds.get(String(entry.kind)) ??
      unknownName('layer', entry.kind, [...kinds.keys(), 'those of load(bytes, { layers: [...] })'])
    if (layers.has(own)) fail(`two layers are named ${show(own)}; names must be unique in a model`)
    check(isRecord(entry.config), `config of layer ${own}`, 'an object', entry.config)
    const trainable = must(BOOLEAN, entry.trainable, `trainable of layer ${own}`)
    layers.set(own, {
      name: own,
      kind,
      config: kind.read(entry.config, kinds),
      trainable,
      known: { names: [], most: 0 },
    })
  }
  const callCounts = new Map<string, number>()
  const calls = objects(data.calls, 'calls').map((entry): Call => {
    const layer =
      layers.get(String(entry.layer)) ??
      fail(`a call names layer ${show(entry.layer)}, which is not in the model`)
    check(
      Array.isArray(entry.inputs) && entry.inputs.length > 0 && entry.inputs.every(isName),
      `inputs of layer ${layer.name}`,
      'a list of names',
      entry.inputs,
    )
    const own = callName(layer.name, callCounts)
    check(entry.name === own, `name of a call of layer ${layer.name}`, show(own), entry.name)
    return { name: own, layer, inputs: entry.inputs }
  })
  const outputs = objects(data.outputs, 'outputs').map((entry) => ({
    name: name(entry.name, 'name of an output'),
    value: name(entry.value, 'value of an output'),
  }))
  check(
    inputs.length > 0 && outputs.length > 0,
    'model description',
    'one input and one output at least',
    data,
  )
  const texts = (list: unknown, what: string): string[] => {
    check(Array.isArray(list) && list.every(isName), what, 'a list of names', list)
    return list
  }
  const models = objects(data.models ?? [], 'models').map((entry): ModelCall => {
    const own = name(entry.name, 'name of a model')
    return {
      name: own,
      calls: texts(entry.calls, `calls of model ${own}`),
      inputs: objects(entry.inputs, `inputs of model ${own}`).map(({ value, shape }) => ({
        value: name(value, `an input of model ${own}`),
        shape: must(INPUT_SHAPE, shape, `shape of an input of model ${own}`),
      })),
      outputs: texts(entry.outputs, `outputs of model ${own}`),
    }
  })
  return checkReferences({
    name: data.name === undefined ? null : checkedName(data.name, 'name of the model'),
    models,
    inputs,
    inputStructure: structure(data.inputStructure, 'inputStructure'),
    calls,
    outputs,
    outputStructure: structure(data.outputStructure, 'outputStructure'),
  })
}

/** A network that is complete and whose references resolve, as in one that was made of values. @throws LanegradError */
function checkReferences(network: Network): Network {
  const { inputs, calls, models, outputs, inputStructure, outputStructure } = network
  const isOne = (structure: Structure, { length }: readonly unknown[]) =>
    structure !== 'single' || length === 1
  if (!isOne(inputStructure, inputs) || !isOne(outputStructure, outputs))
    fail('several inputs or outputs come as a list or a record')
  const known = new Set(inputs.map(({ name }) => name))
  for (const call of calls) {
    for (const name of call.inputs)
      if (!known.has(name))
        fail(`layer ${call.name} reads ${show(name)}, which no input or earlier layer makes`)
    for (const value of valuesOf(call)) known.add(value)
  }
  for (const { name, value } of outputs) {
    if (!known.has(value)) fail(`output ${show(value)} is made by no layer of the model`)
    if (outputStructure !== 'record' && name !== value)
      fail(`output ${show(name)} must have the name of its value, ${show(value)}`) // only a record has names of its own
  }
  uniqueNames(
    models.map(({ name }) => name),
    'calls of models',
  )
  const made = new Set(calls.map(({ name }) => name))
  for (const { name, calls, inputs, outputs } of models) {
    const odd =
      calls.find((call) => !made.has(call)) ??
      [...inputs.map(({ value }) => value), ...outputs].find((value) => !known.has(value))
    if (odd !== undefined) fail(`model ${name} names ${show(odd)}, which is not in the network`)
  }
  return checkNetwork(network)
}
