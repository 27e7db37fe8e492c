// Types of the options of weights, each with its docstring, so that an editor shows them.
import type { Constraint } from './constraints.ts'
import type { Initializer, InitializerName } from './initializers.ts'
import type { Regularizer } from './layer.ts'

/** Options of the kernel. */
export interface KernelOptions {
  /** Initial values of the kernel. Default 'glorotUniform'. */
  readonly kernelInitializer?: Initializer | InitializerName
  /** Penalty on the kernel, added to the loss. Default {}: none. */
  readonly kernelRegularizer?: Regularizer
  /** Constraint applied to the kernel after each training step. Default null: none. */
  readonly kernelConstraint?: Constraint | null
}

/** Options of the recurrent kernel. */
export interface RecurrentKernelOptions {
  /** Initial values of the recurrent kernel. The default is `orthogonal()`. */
  readonly recurrentInitializer?: Initializer | InitializerName
  /** Penalty on the recurrent kernel, added to the loss. Default {}: none. */
  readonly recurrentRegularizer?: Regularizer
  /** Constraint applied to the recurrent kernel after each training step. Default null: none. */
  readonly recurrentConstraint?: Constraint | null
}

/** Options of the bias. */
export interface BiasOptions {
  /** Initial values of the bias. Default 'zeros'; of lstm, convLstm1d, convLstm2d and convLstm3d see `unitForgetBias`. */
  readonly biasInitializer?: Initializer | InitializerName
  /** Penalty on the bias, added to the loss. Default {}: none. */
  readonly biasRegularizer?: Regularizer
  /** Constraint applied to the bias after each training step. Default null: none. */
  readonly biasConstraint?: Constraint | null
}

/** Options of the kernel of each channel. */
export interface DepthwiseOptions {
  /** Initial values of the kernel of each channel. Default 'glorotUniform'. */
  readonly depthwiseInitializer?: Initializer | InitializerName
  /** Penalty on the kernel of each channel, added to the loss. Default {}: none. */
  readonly depthwiseRegularizer?: Regularizer
  /** Constraint applied to the kernel of each channel after each training step. Default null: none. */
  readonly depthwiseConstraint?: Constraint | null
}

/** Options of the kernel across channels. */
export interface PointwiseOptions {
  /** Initial values of the kernel across channels. Default 'glorotUniform'. */
  readonly pointwiseInitializer?: Initializer | InitializerName
  /** Penalty on the kernel across channels, added to the loss. Default {}: none. */
  readonly pointwiseRegularizer?: Regularizer
  /** Constraint applied to the kernel across channels after each training step. Default null: none. */
  readonly pointwiseConstraint?: Constraint | null
}

/** Options of the table. */
export interface EmbeddingsOptions {
  /** Initial values of the table. Default 'randomUniform': -0.05 to 0.05. */
  readonly embeddingsInitializer?: Initializer | InitializerName
  /** Penalty on the table, added to the loss. Default {}: none. */
  readonly embeddingsRegularizer?: Regularizer
  /** Constraint applied to the table after each training step. Default null: none. */
  readonly embeddingsConstraint?: Constraint | null
}

/** Options of the table of positions. */
export interface PositionOptions {
  /** Initial values of the table of positions. Default 'glorotUniform'. */
  readonly positionInitializer?: Initializer | InitializerName
  /** Penalty on the table of positions, added to the loss. Default {}: none. */
  readonly positionRegularizer?: Regularizer
  /** Constraint applied to the table of positions after each training step. Default null: none. */
  readonly positionConstraint?: Constraint | null
}

/** Options of the factor `gamma`. */
export interface GammaOptions {
  /** Initial values of the factor `gamma`. Default 'ones'. */
  readonly gammaInitializer?: Initializer | InitializerName
  /** Penalty on the factor `gamma`, added to the loss. Default {}: none. */
  readonly gammaRegularizer?: Regularizer
  /** Constraint applied to the factor `gamma` after each training step. Default null: none. */
  readonly gammaConstraint?: Constraint | null
}

/** Options of the summand `beta`. */
export interface BetaOptions {
  /** Initial values of the summand `beta`. Default 'zeros'. */
  readonly betaInitializer?: Initializer | InitializerName
  /** Penalty on the summand `beta`, added to the loss. Default {}: none. */
  readonly betaRegularizer?: Regularizer
  /** Constraint applied to the summand `beta` after each training step. Default null: none. */
  readonly betaConstraint?: Constraint | null
}

/** Options of the factor `scale`. */
export interface ScaleOptions {
  /** Initial values of the factor `scale`. Default 'ones'. */
  readonly scaleInitializer?: Initializer | InitializerName
  /** Penalty on the factor `scale`, added to the loss. Default {}: none. */
  readonly scaleRegularizer?: Regularizer
  /** Constraint applied to the factor `scale` after each training step. Default null: none. */
  readonly scaleConstraint?: Constraint | null
}

/** Options of the slope `alpha`. */
export interface AlphaOptions {
  /** Initial values of the slope `alpha`. Default 'zeros', which is relu. */
  readonly alphaInitializer?: Initializer | InitializerName
  /** Penalty on the slope `alpha`, added to the loss. Default {}: none. */
  readonly alphaRegularizer?: Regularizer
  /** Constraint applied to the slope `alpha` after each training step. Default null: none. */
  readonly alphaConstraint?: Constraint | null
}
