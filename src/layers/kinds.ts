// Every kind of layer by name, for saved models. Only `load` needs this table.
import { preluKind, reluKind, softmaxKind } from './activation-layers.ts'
import { multiHeadAttentionKind } from './attention.ts'
import { blockKind } from './block.ts'
import { convLstm1dKind, convLstm2dKind, convLstm3dKind } from './conv-lstm.ts'
import {
  conv1dKind,
  conv1dTransposeKind,
  conv2dKind,
  conv2dTransposeKind,
  conv3dKind,
  conv3dTransposeKind,
} from './convolution.ts'
import { activationKind, denseKind, flattenKind, permuteKind, reshapeKind } from './core.ts'
import { dotKind } from './dot.ts'
import { einsumDenseKind } from './einsum-dense.ts'
import { embeddingKind, positionEmbeddingKind } from './embedding.ts'
import { groupedQueryAttentionKind } from './grouped-attention.ts'
import { additiveAttentionKind, attentionKind } from './keras-attention.ts'
import type { LayerKind } from './layer.ts'
import { loraKind } from './lora.ts'
import {
  addKind,
  averageKind,
  concatenateKind,
  maximumKind,
  minimumKind,
  multiplyKind,
  subtractKind,
} from './merge.ts'
import {
  alphaDropoutKind,
  dropoutKind,
  gaussianDropoutKind,
  gaussianNoiseKind,
  spatialDropout1dKind,
  spatialDropout2dKind,
  spatialDropout3dKind,
} from './noise.ts'
import {
  batchNormalizationKind,
  groupNormalizationKind,
  layerNormalizationKind,
  rmsNormalizationKind,
  unitNormalizationKind,
} from './normalization.ts'
import { operationsKind } from './operations.ts'
import {
  averagePooling1dKind,
  averagePooling2dKind,
  averagePooling3dKind,
  globalAveragePooling1dKind,
  globalAveragePooling2dKind,
  globalAveragePooling3dKind,
  globalMaxPooling1dKind,
  globalMaxPooling2dKind,
  globalMaxPooling3dKind,
  maxPooling1dKind,
  maxPooling2dKind,
  maxPooling3dKind,
} from './pooling.ts'
import { categoryEncodingKind, normalizationKind, rescalingKind } from './preprocessing.ts'
import { gruKind, lstmKind, simpleRnnKind } from './recurrent.ts'
import {
  centerCropKind,
  resizingKind,
  upSampling1dKind,
  upSampling2dKind,
  upSampling3dKind,
} from './resampling.ts'
import {
  cropping1dKind,
  cropping2dKind,
  cropping3dKind,
  repeatVectorKind,
  zeroPadding1dKind,
  zeroPadding2dKind,
  zeroPadding3dKind,
} from './resizing.ts'
import { rotaryEmbeddingKind } from './rotary.ts'
import {
  depthwiseConv1dKind,
  depthwiseConv2dKind,
  separableConv1dKind,
  separableConv2dKind,
} from './separable.ts'
import { stochasticDepthKind } from './stochastic-depth.ts'
import { spectralNormalizationKind, weightNormalizationKind } from './weight-wrappers.ts'
import { bidirectionalKind, maskingKind, timeDistributedKind } from './wrappers.ts'

export const layerKinds = [
  denseKind,
  simpleRnnKind,
  lstmKind,
  gruKind,
  convLstm1dKind,
  convLstm2dKind,
  convLstm3dKind,
  bidirectionalKind,
  timeDistributedKind,
  maskingKind,
  blockKind,
  activationKind,
  preluKind,
  reluKind,
  softmaxKind,
  flattenKind,
  reshapeKind,
  permuteKind,
  addKind,
  subtractKind,
  multiplyKind,
  averageKind,
  maximumKind,
  minimumKind,
  concatenateKind,
  batchNormalizationKind,
  layerNormalizationKind,
  rmsNormalizationKind,
  groupNormalizationKind,
  unitNormalizationKind,
  dropoutKind,
  spatialDropout1dKind,
  spatialDropout2dKind,
  spatialDropout3dKind,
  alphaDropoutKind,
  gaussianDropoutKind,
  gaussianNoiseKind,
  rescalingKind,
  normalizationKind,
  categoryEncodingKind,
  conv1dKind,
  conv2dKind,
  conv3dKind,
  conv1dTransposeKind,
  conv2dTransposeKind,
  conv3dTransposeKind,
  depthwiseConv1dKind,
  depthwiseConv2dKind,
  separableConv1dKind,
  separableConv2dKind,
  dotKind,
  embeddingKind,
  operationsKind,
  positionEmbeddingKind,
  multiHeadAttentionKind,
  groupedQueryAttentionKind,
  attentionKind,
  additiveAttentionKind,
  rotaryEmbeddingKind,
  einsumDenseKind,
  stochasticDepthKind,
  spectralNormalizationKind,
  weightNormalizationKind,
  loraKind,
  averagePooling1dKind,
  averagePooling2dKind,
  averagePooling3dKind,
  globalAveragePooling1dKind,
  globalAveragePooling2dKind,
  globalAveragePooling3dKind,
  globalMaxPooling1dKind,
  globalMaxPooling2dKind,
  globalMaxPooling3dKind,
  maxPooling1dKind,
  maxPooling2dKind,
  maxPooling3dKind,
  cropping1dKind,
  cropping2dKind,
  cropping3dKind,
  repeatVectorKind,
  upSampling1dKind,
  upSampling2dKind,
  upSampling3dKind,
  resizingKind,
  centerCropKind,
  zeroPadding1dKind,
  zeroPadding2dKind,
  zeroPadding3dKind,
] as unknown as readonly LayerKind<object>[]
