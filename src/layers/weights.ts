// The options of the weights that layers have, each documented where an editor looks for it: types alone.
import type { Constraint, ConstraintName } from './constraints.ts'
import type { Initializer, InitializerName } from './initializers.ts'
import type { Regularizer } from './layer.ts'

/** Options of the kernel. */
export interface KernelOptions {
  /** How the kernel starts. Default 'glorotUniform'. */
  readonly kernelInitializer?: Initializer | InitializerName
  /** What the kernel adds to the loss. Default {}: nothing. */
  readonly kernelRegularizer?: Regularizer
  /** What the kernel is brought back to after every training step. Default null: nothing. */
  readonly kernelConstraint?: Constraint | ConstraintName | null
}

/** Options of the recurrent kernel. */
export interface RecurrentKernelOptions {
  /** How the recurrent kernel starts. Default 'orthogonal'. */
  readonly recurrentInitializer?: Initializer | InitializerName
  /** What the recurrent kernel adds to the loss. Default {}: nothing. */
  readonly recurrentRegularizer?: Regularizer
  /** What the recurrent kernel is brought back to after every training step. Default null: nothing. */
  readonly recurrentConstraint?: Constraint | ConstraintName | null
}

/** Options of the bias. */
export interface BiasOptions {
  /** How the bias starts. Default 'zeros'; of lstm and convLstm2d see `unitForgetBias`. */
  readonly biasInitializer?: Initializer | InitializerName
  /** What the bias adds to the loss. Default {}: nothing. */
  readonly biasRegularizer?: Regularizer
  /** What the bias is brought back to after every training step. Default null: nothing. */
  readonly biasConstraint?: Constraint | ConstraintName | null
}

/** Options of the kernel of each channel. */
export interface DepthwiseOptions {
  /** How the kernel of each channel starts. Default 'glorotUniform'. */
  readonly depthwiseInitializer?: Initializer | InitializerName
  /** What the kernel of each channel adds to the loss. Default {}: nothing. */
  readonly depthwiseRegularizer?: Regularizer
  /** What the kernel of each channel is brought back to after every training step. Default null: nothing. */
  readonly depthwiseConstraint?: Constraint | ConstraintName | null
}

/** Options of the kernel across channels. */
export interface PointwiseOptions {
  /** How the kernel across channels starts. Default 'glorotUniform'. */
  readonly pointwiseInitializer?: Initializer | InitializerName
  /** What the kernel across channels adds to the loss. Default {}: nothing. */
  readonly pointwiseRegularizer?: Regularizer
  /** What the kernel across channels is brought back to after every training step. Default null: nothing. */
  readonly pointwiseConstraint?: Constraint | ConstraintName | null
}

/** Options of the table. */
export interface EmbeddingsOptions {
  /** How the table starts. Default 'randomUniform': -0.05 to 0.05. */
  readonly embeddingsInitializer?: Initializer | InitializerName
  /** What the table adds to the loss. Default {}: nothing. */
  readonly embeddingsRegularizer?: Regularizer
  /** What the table is brought back to after every training step. Default null: nothing. */
  readonly embeddingsConstraint?: Constraint | ConstraintName | null
}

/** Options of the table of positions. */
export interface PositionOptions {
  /** How the table of positions starts. Default 'glorotUniform'. */
  readonly positionInitializer?: Initializer | InitializerName
  /** What the table of positions adds to the loss. Default {}: nothing. */
  readonly positionRegularizer?: Regularizer
  /** What the table of positions is brought back to after every training step. Default null: nothing. */
  readonly positionConstraint?: Constraint | ConstraintName | null
}

/** Options of the factor `gamma`. */
export interface GammaOptions {
  /** How the factor `gamma` starts. Default 'ones'. */
  readonly gammaInitializer?: Initializer | InitializerName
  /** What the factor `gamma` adds to the loss. Default {}: nothing. */
  readonly gammaRegularizer?: Regularizer
  /** What the factor `gamma` is brought back to after every training step. Default null: nothing. */
  readonly gammaConstraint?: Constraint | ConstraintName | null
}

/** Options of the summand `beta`. */
export interface BetaOptions {
  /** How the summand `beta` starts. Default 'zeros'. */
  readonly betaInitializer?: Initializer | InitializerName
  /** What the summand `beta` adds to the loss. Default {}: nothing. */
  readonly betaRegularizer?: Regularizer
  /** What the summand `beta` is brought back to after every training step. Default null: nothing. */
  readonly betaConstraint?: Constraint | ConstraintName | null
}

/** Options of the factor `scale`. */
export interface ScaleOptions {
  /** How the factor `scale` starts. Default 'ones'. */
  readonly scaleInitializer?: Initializer | InitializerName
  /** What the factor `scale` adds to the loss. Default {}: nothing. */
  readonly scaleRegularizer?: Regularizer
  /** What the factor `scale` is brought back to after every training step. Default null: nothing. */
  readonly scaleConstraint?: Constraint | ConstraintName | null
}
