// Tells the type of a value, whatever realm it comes from: `instanceof` knows only the classes of its own realm, while
// buffers, errors and compiled modules come from iframes, workers, `node:vm` contexts and test runners. Enters: any value,
// hostile ones included. Leaves: an answer, never an error. Typed arrays and buffers are told by internal slots, which
// nothing can feign.

type ArrayType = (value: unknown) => string | undefined

/**
 * The name of a typed array's class, by `get %TypedArray%.prototype[@@toStringTag]`; undefined for any other value. A bound
 * function, since V8 inlines it where it can't know that a variable, `var` in bundles, always holds the same getter: 20 ns of a
 * training step.
 */
export const arrayType = Function.prototype.call.bind(
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
    ?.get as ArrayType,
) as ArrayType

export const isFloat32 = (value: unknown): value is Float32Array => arrayType(value) === 'Float32Array'

export const isInt32 = (value: unknown): value is Int32Array => arrayType(value) === 'Int32Array'

/** The result of `Object.prototype.toString`, `[object Error]` for example. An object may claim any name. */
export function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value)
  } catch {
    return '' // a proxy that throws, or was revoked
  }
}

/** Whether a value is an ArrayBuffer or SharedArrayBuffer that isn't detached. */
export function isBuffer(value: unknown): value is ArrayBufferLike {
  try {
    return new DataView(value as ArrayBuffer).byteLength >= 0
  } catch {
    return false
  }
}

/** Whether a buffer's memory may belong to other threads as well. */
export const isShared = (buffer: ArrayBufferLike): boolean => tagOf(buffer) === '[object SharedArrayBuffer]'

export const isModule = (value: unknown): value is WebAssembly.Module =>
  tagOf(value) === '[object WebAssembly.Module]'

export const isError = (value: unknown): value is Error => tagOf(value) === '[object Error]'

/** The message of an error, or a text of whatever else was thrown. */
export function messageOf(error: unknown): string {
  try {
    return String(Object(error).message ?? error)
  } catch {
    return 'unreadable error'
  }
}
