// The page's callbacks and batches, for one call that runs in the worker. Enters: requests of the worker. Leaves: answers, and
// effects (stop, another learning rate, other weights), each of which reaches the worker before the answer that follows it.

import type { Progress } from '../feed/progress.ts'
import { type AnyIterator, iteratorOf } from '../feed/source.ts'
import type { Callback, FitParams, Model } from '../model/model.ts'
import { fail, isFunction } from '../numerics/errors.ts'
import type { Batches } from '../rows/rows.ts'
import { type Effect, type RemoteBatches, SHOW } from './messages.ts'

type Hook = (...args: unknown[]) => unknown

export class Hooks {
  private readonly model: Model
  private readonly callbacks: readonly Callback[]
  private readonly progress: Progress | null
  private readonly effect: (effect: Effect) => void
  private readonly what: string
  /** The batches offered, each with the iterator that showed their form, for the first pass. */
  private readonly offered: { readonly batches: Batches<unknown>; first: AnyIterator | null }[] = []
  /** The open iterators, by the worker's keys; null: closed. */
  private readonly iterators = new Map<unknown, AnyIterator | null>()
  private readonly errors: unknown[] = []
  private rate = 0
  /** The end of the hooks so far: one runs after the other. */
  private queue: Promise<unknown> = Promise.resolve()

  /** `what` begins the messages of errors. */
  constructor(
    what: string,
    model: Model,
    callbacks: readonly Callback[],
    progress: Progress | null,
    effect: (effect: Effect) => void,
  ) {
    this.what = what
    this.model = model
    this.callbacks = callbacks
    this.progress = progress
    this.effect = effect
  }

  /** Keeps an error for the end of the call and returns its number. */
  keep(error: unknown): number {
    return this.errors.push(error) - 1
  }

  kept(number: number): unknown {
    return this.errors[number]
  }

  ask(hook: string, args: readonly unknown[], rate: number): Promise<unknown> {
    if (hook === 'next' || hook === 'return') return this.pull(hook, args[0] as number, args[1])
    const run = this.queue.then(() => this.run(hook as keyof Callback | typeof SHOW, args, rate))
    this.queue = run.catch(() => {})
    return run
  }

  private async run(
    hook: keyof Callback | typeof SHOW,
    args: readonly unknown[],
    rate: number,
  ): Promise<void> {
    this.rate = rate
    if (hook === SHOW) {
      this.progress?.show(...(args as Parameters<Progress['show']>))
      return
    }
    const given = hook === 'onTrainBegin' ? [this.params(args[0] as FitParams)] : [...args]
    for (const callback of this.callbacks) await (callback[hook] as Hook | undefined)?.apply(callback, given)
  }

  private params(numbers: Omit<FitParams, 'model' | 'stop' | 'learningRate'>): FitParams {
    const { effect, model } = this
    const self = this
    return {
      ...numbers,
      model: followed(model, effect),
      stop(reason = 'stopped by a callback') {
        effect({ stop: reason })
      },
      get learningRate() {
        return self.rate
      },
      set learningRate(learningRate) {
        model.learningRate = learningRate // checked there
        self.rate = learningRate
        effect({ learningRate })
      },
    }
  }

  /** The description that goes to the worker in place of batches. */
  offer(batches: Batches<unknown>): RemoteBatches {
    const isMaker = isFunction(batches)
    const first = isMaker ? null : iteratorOf(this.what, batches)
    const batchesOnPage = this.offered.push({ batches, first }) - 1
    if (isMaker) return { batchesOnPage, form: 'function', steps: undefined }
    const { steps, length } = batches as { readonly steps?: unknown; readonly length?: unknown }
    const isOnce = (first as unknown) === batches
    return { batchesOnPage, form: isOnce ? 'once' : 'again', steps: steps ?? length }
  }

  private async pull(hook: 'next' | 'return', offered: number, key: unknown): Promise<unknown> {
    let iterator = this.iterators.get(key)
    if (hook === 'return') {
      this.iterators.set(key, null)
      await iterator?.return?.()
      return undefined
    }
    if (iterator === undefined) {
      const entry = this.offered[offered]
      const { batches, first } = entry
      const given = isFunction(batches) ? await batches() : batches
      if (this.iterators.has(key)) return undefined // closed meanwhile
      iterator = first ?? iteratorOf(this.what, given)
      entry.first = null
      this.iterators.set(key, iterator)
    }
    return iterator?.next()
  }
}

/** The page's model for callbacks: what is set on it is also set in the worker. */
function followed(model: Model, effect: (effect: Effect) => void): Model {
  const followed: Model = Object.create(model)
  return Object.assign(followed, {
    // what Model refuses during `fit`
    refuseWhileBusy: (what: string) => fail(`${what}: this model is being fitted; await fit first`),
    fit: () => fail('fit: this model is being fitted already; await the first call'),
    setWeights(weights: Parameters<Model['setWeights']>[0]) {
      model.setWeights(weights)
      effect({ weights: model.getWeights() })
    },
    resetStates() {
      model.resetStates()
      effect({ resetStates: true })
    },
  })
}
