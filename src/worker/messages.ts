// Messages between a page and its worker. Enters: arguments, results and errors of calls. Leaves: values that a message can
// carry, with the buffers that move instead of being copied; on the other side, the originals again.
import { arrayType, isError, isShared, messageOf } from '../numerics/brands.ts'
import { fail, isObject, LanegradError } from '../numerics/errors.ts'
import type { ShapedArray } from '../numerics/tensor.ts'
import type { RuntimeOptions } from '../runtime/engine.ts'
import { relaxed } from '../runtime/relaxed.ts'
import { workers } from '../runtime/workers.ts'
import { remadeMetric } from '../training/metrics/makers.ts'
import type { Snapshot } from './state.ts'

/** A message between the two globals; all others go through a port for each model. */
export type Greeting = { readonly lanegrad: 'hello' | 'ready' } | Opening

/** A model on its way into the worker. */
export interface Opening {
  readonly lanegrad: 'open'
  readonly port: MessagePort
  /** The saved model, without training. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly runtime: RuntimeData
  /** CompileOptions through `portable`; null: not compiled. */
  readonly training: unknown
  readonly state: Snapshot
  /** A lock that the worker holds as long as it lives, if ports don't report that their other end is gone. */
  readonly lock: string | null
}

/** The runtime options that the model was made with. */
export interface RuntimeData {
  readonly isRelaxed: boolean
  /** The number of threads; null: one for each core; undefined: a single one. */
  readonly threads: number | null | undefined
}

export const runtimeData = ({ numerics, threads }: RuntimeOptions): RuntimeData => ({
  isRelaxed: numerics?.kind === 'relaxed',
  threads: threads?.count,
})

/** The runtime options again. */
export const runtimeOf = ({ isRelaxed, threads }: RuntimeData): RuntimeOptions => ({
  numerics: isRelaxed ? relaxed() : null,
  threads: threads === undefined ? null : workers(threads ?? undefined),
})

export const SHOW = 'show'

/** The options of a call, beside its arguments. */
export interface CallOptions {
  /** The names of the hooks that some callback has. */
  readonly hooks: readonly string[]
  /** Whether the page shows how far the call is: the worker asks it to, as the hook `SHOW`. */
  readonly isShown: boolean
  readonly progressMs: number
  /** Whether the signal is aborted. */
  readonly aborted: boolean
}

/** Messages from the page: calls by number, and messages to calls that run. */
export type ToWorker =
  | {
      readonly type: 'call'
      readonly id: number
      readonly method: string
      readonly args: readonly unknown[]
      readonly options: CallOptions
    }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'effect'; readonly id: number; readonly effect: Effect }
  /** An answer to an `ask`; `thrown`: it failed with the error that the page keeps under this number. */
  | { readonly type: 'answer'; readonly id: number; readonly value?: unknown; readonly thrown?: number }
  | { readonly type: 'close' }

/** The effect of a callback on a run. */
export interface Effect {
  readonly stop?: string
  readonly learningRate?: number
  readonly weights?: Readonly<Record<string, ShapedArray>>
  readonly resetStates?: boolean
}

/** Messages from the worker. `ask` calls a hook, or pulls a batch; `rate` is the learning rate. */
export type ToPage =
  | { readonly type: 'opened' }
  /** A message (a call or a batch) came that can't be read. */
  | { readonly type: 'unread' }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown; readonly state: Snapshot | null }
  | { readonly type: 'error'; readonly id: number; readonly error: Failure; readonly state: Snapshot | null }
  | {
      readonly type: 'ask'
      readonly id: number
      readonly ask: number
      readonly hook: string
      readonly args: readonly unknown[]
      readonly rate: number
      readonly state: Snapshot | null
    }
  | { readonly type: 'state'; readonly state: Snapshot }
  /** A warning for the page's console. */
  | { readonly type: 'warning'; readonly text: string }

/** Stands for batches on the page: a function, an iterable for one pass, or one for any number of passes. */
export interface RemoteBatches {
  readonly batchesOnPage: number
  readonly form: 'function' | 'once' | 'again'
  readonly steps: unknown
}

/** An error as a message; `thrown`: the number under which the page keeps its own error. */
export type Failure =
  | { readonly thrown: number }
  | { readonly message: string }
  | { readonly error: Error | string }

/** Stands, in the worker, for an error that the page keeps. */
export class Relayed extends Error {
  readonly thrown: number
  constructor(thrown: number) {
    super('thrown on the page')
    this.thrown = thrown
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof Relayed) return { thrown: error.thrown }
  if (error instanceof LanegradError) return { message: error.message }
  return { error: isError(error) ? error : messageOf(error) }
}

/** Whether a prototype is that of a plain object: null, or the `Object.prototype` of any realm, which itself has none. */
const hasPlainPrototype = (prototype: object | null) =>
  prototype === null || Object.getPrototypeOf(prototype) === null

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && hasPlainPrototype(Object.getPrototypeOf(value))

/**
 * The value in a form for a message. `moved` collects the buffers to transfer: those of all arrays if `isTransferred`, so that
 * they are empty here afterwards; otherwise arrays are copied, views without the rest of their buffers.
 */
export function packed(value: unknown, moved: Set<object>, isTransferred: boolean): unknown {
  if (ArrayBuffer.isView(value)) {
    const { buffer } = value
    if (isShared(buffer)) return value // a SharedArrayBuffer: both sides see the same
    if (isTransferred) {
      // a buffer that has moved before is empty; since it isn't transferred again, every runtime refuses it at once
      if (buffer.byteLength > 0) moved.add(buffer)
      return value
    }
    if (arrayType(value) === undefined || value.byteLength === buffer.byteLength) return value
    const part = Uint8Array.prototype.slice.call(value) // of its own type; a Buffer's own `slice` wouldn't copy
    moved.add(part.buffer)
    return part
  }
  const isList = Array.isArray(value)
  if (isList && typeof value[0] === 'number') return value
  if (isList) return value.map((item) => packed(item, moved, isTransferred))
  if (!isPlainObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, packed(item, moved, isTransferred)]),
  )
}

interface Own {
  readonly own: 'loss' | 'metric'
  readonly name: string
}

const isOwn = (value: Record<string, unknown>): value is Record<string, unknown> & Own =>
  (value.own === 'loss' || value.own === 'metric') && typeof value.name === 'string'

/** Options of `compile` for a message: losses and metrics that hold functions are given by their names. */
export function portable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(portable)
  if (typeof value !== 'object' || value === null) return value
  if ('saved' in value) return value.saved // a metric by its constructor and options
  const { kind, name } = value as { readonly kind?: unknown; readonly name?: unknown }
  const entries = Object.entries(value)
  if (!isPlainObject(value) || entries.some(([, item]) => typeof item === 'function'))
    return kind === undefined ? { own: 'metric', name: String(name) } : { own: 'loss', name: String(kind) }
  return Object.fromEntries(entries.map(([key, item]) => [key, portable(item)]))
}

/** The options of `compile` that `portable` packed. @throws LanegradError naming a loss or metric that the worker lacks */
export function unpacked(
  value: unknown,
  known: { readonly losses: readonly object[]; readonly metrics: readonly object[] },
): unknown {
  if (Array.isArray(value)) return value.map((item) => unpacked(item, known))
  if (!isPlainObject(value)) return value
  if ('maker' in value) return remadeMetric(value)
  if (isOwn(value)) {
    const { own, name } = value
    const [list, key] = own === 'loss' ? [known.losses, 'kind'] : [known.metrics, 'name']
    return (
      list.find((item) => (item as Record<string, unknown>)[key] === name) ??
      fail(
        `the ${own} ${name} holds functions, which messages can't carry; give it to serveModels({ ${own === 'loss' ? 'losses' : 'metrics'}: [...] }) in the worker`,
      )
    )
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpacked(item, known)]))
}
