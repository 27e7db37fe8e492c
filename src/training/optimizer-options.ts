// Types of the options of optimizers, each with its docstring.
import type { Accumulation } from './accumulation.ts'
import type { MovingAverage } from './moving-average.ts'
import type { Schedule } from './schedules.ts'

/** Options that every optimizer takes. */
export interface OptimizerOptions {
  /** Size of a step, before `schedule`. Default 0.001; of sgd 0.01. */
  readonly learningRate?: number
  /** Changes the learning rate from step to step. Default null: it stays. */
  readonly schedule?: Schedule | null
  /**
   * Pulls the weights towards 0: this share of a weight is added to its gradient (L2, PyTorch's form; Keras shrinks the weight
   * itself, as adamw and lion do here). Default 0; of adamw 0.004.
   */
  readonly weightDecay?: number
  /**
   * What doesn't decay, usually biases and what normalizations learn: names of weights (`dense_1/bias`), of layers (`dense_1`),
   * or of all weights called so (`bias`, `gamma`, `beta`); or a function of a weight's name. `compile` puts the weights' names
   * in the place of these. Default null: all weights decay.
   */
  readonly excludeFromWeightDecay?: readonly string[] | ((weight: string) => boolean) | null
  /**
   * Factors of the learning rate, for fine-tuning (`{ encoder: 0.1 }`), by the name of a weight (`dense_1/bias`), a layer
   * (`dense_1`), a model within the model, or of all weights called so (`bias`). Where several fit a weight, the last one counts. The
   * share by which adamw and lion shrink a weight is multiplied as well. `compile` puts the weights' names in the place of
   * these. Default null: 1 for all.
   */
  readonly learningRateMultipliers?: Readonly<Record<string, number>> | null
  /** Limits the norm of each parameter's gradient. At most one of the three ways to clip. Default null: no limit. */
  readonly clipNorm?: number | null
  /** Limits each element of the gradients to [-clipValue, clipValue]. Default null: no limit. */
  readonly clipValue?: number | null
  /** Limits the norm of all gradients together. Default null: no limit. */
  readonly globalClipNorm?: number | null
  /** `movingAverage()`: keeps a moving average of the weights beside them. Default null: none. */
  readonly ema?: MovingAverage | null
  /** `accumulateGradients(4)`: updates at every fourth step, by the gradients of all four. Default null: at every step. */
  readonly accumulation?: Accumulation | null
}

/** Options of `sgd`. */
export interface SgdOptions extends OptimizerOptions {
  /**
   * The share of the velocity that each step keeps; in [0, 1). The velocity is multiplied by the learning rate of the step
   * (PyTorch's form), so that a schedule acts on all of it; Keras's adds up gradients that are multiplied already.
   * Default 0.
   */
  readonly momentum?: number
  /** Whether the gradient is taken one step ahead (Nesterov 1983). Default false. */
  readonly nesterov?: boolean
}

/** Options of `rmsprop`. */
export interface RmspropOptions extends OptimizerOptions {
  /** The share of the mean square that each step keeps; in [0, 1). Default 0.9. */
  readonly rho?: number
  /** The share of the velocity that each step keeps, multiplied by the learning rate as that of `sgd`; in [0, 1). Default 0. */
  readonly momentum?: number
  /** Added to the root of the mean square (PyTorch's form; Keras 3 adds it inside the root). Default 1e-7. */
  readonly epsilon?: number
  /** Whether the mean gradient is subtracted, so that the divisor is the standard deviation. Default false. */
  readonly centered?: boolean
}

/** Options of `adagrad`. */
export interface AdagradOptions extends OptimizerOptions {
  /** Initial value of the sums of squares. Default 0.1. */
  readonly initialAccumulatorValue?: number
  /** Added to the root of the sum (PyTorch's form; Keras 3 adds it inside the root). Default 1e-7. */
  readonly epsilon?: number
}

/** Options of `adadelta`. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** The share of the mean squares that each step keeps; in [0, 1). Default 0.95. */
  readonly rho?: number
  /** Added inside both roots. Default 1e-7. */
  readonly epsilon?: number
}

/** Options of adam and similar optimizers. */
export interface MomentOptions extends OptimizerOptions {
  /** The share of the mean gradient that each step keeps; in [0, 1). Default 0.9. */
  readonly beta1?: number
  /** The share of the mean square (adamax: of the largest gradient) that each step keeps; in [0, 1). Default 0.999. */
  readonly beta2?: number
  /**
   * Added to the root of the mean square after its bias correction (PyTorch's form; Keras's adam adds its "epsilon hat"
   * before); of adamax, to the gradient's size. Default 1e-7; of radam 1e-8.
   */
  readonly epsilon?: number
}

/** Options of `adam`. */
export interface AdamOptions extends MomentOptions {
  /** Whether the divisor is the largest mean square so far (Reddi et al. 2018). Default false. */
  readonly amsgrad?: boolean
}

/** Options of `adamw`. */
export interface AdamwOptions extends AdamOptions {
  /** Each step shrinks the weight by learningRate weightDecay of it, beside the update. Default 0.004. */
  readonly weightDecay?: number
}

/** Options of `nadam`. */
export interface NadamOptions extends MomentOptions {
  /**
   * The momentum of step t is beta1 (1 - 0.96^(t momentumDecay) / 2). Default 0.004, as in PyTorch; Keras has 1.
   */
  readonly momentumDecay?: number
}

/** Options of `radam`. */
export type RadamOptions = MomentOptions

/** Options of `adamax`. */
export type AdamaxOptions = MomentOptions

/** Options of `lion`. */
export interface LionOptions extends OptimizerOptions {
  /** The share of the mean gradient in the number whose sign is the step; in [0, 1). Default 0.9. */
  readonly beta1?: number
  /** The share of the mean gradient that each step keeps; in [0, 1). Default 0.99. */
  readonly beta2?: number
  /** Each step shrinks the weight by learningRate weightDecay of it, beside the update. Default 0. */
  readonly weightDecay?: number
}
