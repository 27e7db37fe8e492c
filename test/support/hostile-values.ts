// Values of every kind that a program may pass by mistake or on purpose, fresh ones at each draw. Errors that their own
// code throws are of class Own.
import vm from 'node:vm'

/** What getters, traps, iterators and callbacks of these values throw. */
export class Own extends Error {}

const own = (): never => {
  throw new Own("the value's own")
}

/** Its promise is caught here as well: a library may refuse a promise without awaiting it. */
const rejecting = new Proxy(async () => own(), {
  apply(target) {
    const promise = target()
    promise.catch(() => {})
    return promise
  },
})

/** Numbers from 0 up to, not including, `count`. */
export type Draw = (count: number) => number

/** Mulberry32. */
export function draws(seed: number): Draw {
  let state = seed >>> 0
  return (count) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((((t ^ (t >>> 14)) >>> 0) * count) / 0x100000000) | 0
  }
}

function detached<T extends ArrayBufferView>(view: T): T {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] })
  return view
}

function outOfBounds(): Float32Array {
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(length: number): void }
  const buffer = new Resizable(64, { maxByteLength: 64 })
  const view = new Float32Array(buffer, 16, 4)
  buffer.resize?.(8)
  return view
}

function lengthTracking(): Float32Array {
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(length: number): void }
  const buffer = new Resizable(64, { maxByteLength: 64 })
  const view = new Float32Array(buffer)
  buffer.resize?.(16)
  return view
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

const traps = (target: object): object =>
  new Proxy(target, {
    get: own,
    has: own,
    ownKeys: own,
    getOwnPropertyDescriptor: own,
    getPrototypeOf: own,
  })

function cyclic(): unknown[] {
  const list: unknown[] = [1]
  list.push(list)
  return list
}

function cyclicObject(): object {
  const object: Record<string, unknown> = { a: 1 }
  object.self = object
  return object
}

const realm = vm.createContext()
const foreign = (code: string): unknown => vm.runInContext(`{ ${code} }`, realm)
const hostileKeys = ['x', 'y', 'shape', 'data', 'length', 'name', 'kind', 'layer', 'inputs', 'a', 'units']

const makers: readonly ((draw: Draw) => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => false,
  () => NaN,
  () => -0,
  () => 0,
  () => 1,
  () => -1,
  () => 0.5,
  () => 3,
  () => Infinity,
  () => -Infinity,
  () => 1e308,
  () => 5e-324,
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 53,
  () => 10n,
  () => 2n ** 70n,
  () => '',
  () => 'x'.repeat(100_000),
  () => '\ud800',
  () => '__proto__',
  () => 'constructor',
  () => 'toString',
  () => 'relu',
  () => '3',
  () => Symbol('s'),
  () => Symbol.iterator,
  () => () => 1,
  () => own,
  () => function named() {},
  () => class A {},
  () => async () => 1,
  () => rejecting,
  () => function* () {},
  () => async function* () {},
  () => new Array(1),
  () => new Array(3),
  () => [],
  () => [undefined],
  () => [null, 1],
  () => [1, 2],
  () => [-1],
  () => [NaN, 1],
  () => [Symbol('s')],
  () => [1n, 2n],
  () => ['a', 'b'],
  () => [[1, 2], [3]],
  () => [[[[[[1]]]]]],
  () => [[1, 2]],
  () => [() => 1],
  () => [class A {}],
  () => [{}],
  () => [revoked({})],
  () => [revoked([])],
  () => [traps({})],
  () => Object.freeze([1, 2]),
  () => cyclic(),
  () => cyclicObject(),
  () => ({}),
  () => Object.freeze({ a: 1 }),
  () => Object.seal({ x: 1, y: 2 }),
  () => Object.create(null),
  () => Object.assign(Object.create(null), { x: 1, shape: [1], data: 5 }),
  () => JSON.parse('{"__proto__": {"units": 3}}'),
  () => ({ length: 3 }),
  () => ({ length: -1, 0: 1 }),
  () => ({ shape: [2, 2], data: new Float32Array(3) }),
  () => ({ shape: [1e9, 1e9], data: new Float32Array(1) }),
  () => ({ shape: 'x', data: 'y' }),
  () => ({ shape: [{}], data: new Float32Array(1) }),
  () => ({ shape: revoked([]), data: new Float32Array(1) }),
  () => ({ shape: [1, 2], data: revoked(new Float32Array(2)) }),
  () => ({ shape: [1, 2], data: new Proxy(new Float32Array(2), {}) }),
  () => ({ shape: [1, 2], data: detached(new Float32Array(2)) }),
  () => ({ x: [[1, 2]], y: [[1]] }),
  () => ({ x: revoked([]), y: revoked([]) }),
  () => ({ kind: 'dense', reduction: 'mean' }),
  () => ({ kind: Symbol('k') }),
  () => ({ kind: 'x', of: 5 }),
  () => ({ name: 'm', start: own, add: own, result: own }),
  () => ({ layer: null, inputs: [], input: null }),
  () => ({ layer: null, inputs: null, input: {} }),
  () => ({ layer: {}, inputs: [1], input: null, call: {}, index: 0 }),
  (draw) => Object.defineProperty({}, hostileKeys[draw(hostileKeys.length)], { get: own, enumerable: true }),
  (draw) => ({
    x: 1,
    get [hostileKeys[draw(hostileKeys.length)]]() {
      return own()
    },
  }),
  () => ({ toString: own, valueOf: own }),
  () => ({ [Symbol.toPrimitive]: own }),
  () => ({ toJSON: own }),
  () => ({ [Symbol.iterator]: own }),
  () => ({ [Symbol.iterator]: 5 }),
  () => ({ [Symbol.asyncIterator]: own }),
  () => ({
    get [Symbol.iterator]() {
      return own()
    },
  }),
  () => ({
    get [Symbol.toStringTag]() {
      return own()
    },
  }),
  () => ({ [Symbol.toStringTag]: 'Float32Array' }),
  () => ({ [Symbol.iterator]: () => ({ next: own }) }),
  () => ({ [Symbol.iterator]: () => ({}) }),
  () => ({ [Symbol.iterator]: () => ({ next: () => 5 }) }),
  () => ({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 7 }) }) }),
  () => ({ [Symbol.asyncIterator]: () => ({ next: async () => own() }) }),
  () =>
    (function* () {
      yield own()
    })(),
  () =>
    (function* () {
      yield 1
      yield { x: 1 }
    })(),
  () =>
    (async function* () {
      yield [revoked({})]
    })(),
  () => [][Symbol.iterator](),
  () => revoked({}),
  () => revoked([]),
  () => revoked(() => 1),
  () => traps({}),
  () => traps([]),
  () => traps(() => 1),
  () => new Proxy({}, {}),
  () => new Proxy([1, 2], {}),
  () => new Proxy(new Float32Array(2), {}),
  () => new Proxy(new Map(), {}),
  () => new Proxy({}, { get: () => 1 }),
  () =>
    new Proxy(
      {},
      {
        ownKeys: () => ['a'],
        getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
      },
    ),
  () => new Float32Array(0),
  () => new Float32Array(2),
  () => new Float32Array([NaN, 1]),
  () => new Float64Array(2),
  () => new Int32Array(2),
  () => new Uint8Array(8),
  () => new Uint8ClampedArray(2),
  () => new BigInt64Array(2),
  () => new BigUint64Array(2),
  () => new DataView(new ArrayBuffer(8)),
  () => detached(new Float32Array(2)),
  () => detached(new Uint8Array(8)),
  () => detached(new Uint8Array(8)).buffer,
  () => outOfBounds(),
  () => lengthTracking(),
  () => new Float32Array(new SharedArrayBuffer(8)),
  () => new ArrayBuffer(8),
  () => new SharedArrayBuffer(8),
  () => Object.assign(new Float32Array(2), { length2: 1 }),
  () => new (class Mine extends Float32Array {})(2),
  () =>
    'Float16Array' in globalThis
      ? new (globalThis as never as { Float16Array: new (n: number) => object }).Float16Array(2)
      : 0,
  () => new Map([['a', 1]]),
  () => new Set([1]),
  () => new WeakMap(),
  () => new Date(NaN),
  () => /x/g,
  () => Promise.resolve(1),
  () => Promise.reject(new Own('rejected')).catch(() => {}),
  () => Object.fromEntries([['then', own]]),
  () => Object.fromEntries([['then', (resolve: (value: unknown) => void) => resolve(1)]]),
  () => new Error('an error as a value'),
  () => new Own('an error as a value'),
  () => new URL('http://localhost/'),
  () => new AbortController().signal,
  () => new Number(3),
  () => new String('x'),
  () => new Boolean(false),
  () => globalThis,
  () => Math,
  () => JSON,
  () => Reflect,
  () => arguments_(),
  () => foreign('({ a: 1 })'),
  () => foreign('[[1, 2]]'),
  () => foreign('new Float32Array(2)'),
  () => foreign('new Map()'),
  () => foreign('(() => 1)'),
  () => foreign('new Proxy({}, {})'),
  () => foreign('const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); proxy'),
]

function arguments_(...args: readonly unknown[]): unknown {
  return (function () {
    // biome-ignore lint/complexity/noArguments: one of the values
    return arguments
  })(...(args as []))
}

export const kinds: number = makers.length

/** A fresh value of kind `i`, or of any. */
export const hostile = (draw: Draw, i: number = draw(makers.length)): unknown => makers[i](draw)
