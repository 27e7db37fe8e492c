// Three networks that guess the next character from those before it.
//
// In:  sizes of the alphabet and of a row, a seed. Out: models from ids [names, steps] to logits
// [names, steps, characters]: one guess behind every character, each of which sees what stands before it only.

import {
  add,
  conv1d,
  dense,
  dropout,
  embedding,
  input,
  layerNormalization,
  lstm,
  type Model,
  model,
  multiHeadAttention,
  positionEmbedding,
  type Symbolic,
} from 'lanegrad'

export interface Sizes {
  characters: number
  steps: number
  seed: number
}

export interface Network {
  title: string
  build(sizes: Sizes): Model<Symbolic>
  learningRate: number
}

/** The last three characters to a hidden layer (Bengio et al. 2003), at all steps at once: a convolution. */
function buildMlp({ characters, steps, seed }: Sizes): Model<Symbolic> {
  const ids = input({ shape: [steps], dtype: 'int32' })
  let x = embedding({ inputDim: characters, outputDim: 24 })(ids)
  x = conv1d({ filters: 128, kernelSize: 3, padding: 'causal', activation: 'tanh' })(x)
  return model({ inputs: ids, outputs: dense({ units: characters })(x), seed })
}

/** A state that is carried from character to character. */
function buildLstm({ characters, steps, seed }: Sizes): Model<Symbolic> {
  const ids = input({ shape: [steps], dtype: 'int32' })
  let x = embedding({ inputDim: characters, outputDim: 32 })(ids)
  x = lstm({ units: 80, returnSequences: true })(x)
  x = dropout({ rate: 0.1 })(x)
  return model({ inputs: ids, outputs: dense({ units: characters })(x), seed })
}

/** Every character looks back at all those before it. */
function buildTransformer({ characters, steps, seed }: Sizes): Model<Symbolic> {
  const ids = input({ shape: [steps], dtype: 'int32' })
  let x = embedding({ inputDim: characters, outputDim: WIDTH })(ids)
  x = positionEmbedding()(x)
  for (let i = 0; i < BLOCKS; i++) x = transformerBlock(x)
  x = layerNormalization()(x)
  return model({ inputs: ids, outputs: dense({ units: characters })(x), seed })
}

const WIDTH = 48
const HEADS = 4
const BLOCKS = 2
const DROPOUT = 0.05

/** Attention, then two dense layers; each is normalized before (pre-norm) and added to what came in. */
function transformerBlock(x: Symbolic): Symbolic {
  const attend = multiHeadAttention({ numHeads: HEADS, keyDim: WIDTH / HEADS, causal: true })
  const attended = attend(layerNormalization()(x))
  const seen = add()(x, dropout({ rate: DROPOUT })(attended))
  const wide = dense({ units: 4 * WIDTH, activation: 'relu' })(layerNormalization()(seen))
  const narrow = dense({ units: WIDTH })(wide)
  return add()(seen, dropout({ rate: DROPOUT })(narrow))
}

export const networks = {
  mlp: { title: 'three characters, MLP', build: buildMlp, learningRate: 0.008 },
  lstm: { title: 'LSTM', build: buildLstm, learningRate: 0.005 },
  transformer: { title: 'transformer', build: buildTransformer, learningRate: 0.004 },
} satisfies Record<string, Network>
