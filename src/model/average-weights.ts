// The mean of the weights of several models, as federated learning takes it (McMahan et al. 2017).
import { check, fail, isFunction, isObject, number, reading } from '../numerics/errors.ts'
import { sameShape, shapeText } from '../numerics/shape.ts'
import { checkLength, type FloatArray, isShaped, type NamedArray } from '../numerics/tensor.ts'

/** Weights by name, as `getWeights` gives them. */
export type WeightsByName = Readonly<Record<string, NamedArray>>

const SHARE_OF_ONE = number('a finite number >= 0', (share) => share >= 0)

/** The weights of a model, or those given. */
function weightsOf(given: unknown, what: string): WeightsByName {
  return reading(what, () => {
    const isGiven = isObject(given) || typeof given === 'function' // a model can be called
    check(isGiven, what, 'a model, or arrays by name as getWeights gives them', given)
    const { getWeights } = given as { readonly getWeights?: () => WeightsByName }
    const weights = isFunction(getWeights) ? getWeights.call(given) : (given as WeightsByName)
    for (const [name, array] of Object.entries(weights)) {
      check(isShaped(array), `${what}: ${name}`, 'an array { shape, data }', array)
      checkLength(`${what}: ${name}`, array.shape, array.data.length)
    }
    return weights
  })
}

/**
 * The weighted mean of the weights of several models of one form: federated averaging. `shares` are the models' parts, in any
 * unit, such as each one's number of samples; by default all are equal. Sums are in float64 and in the order given, so that
 * the same arguments give the same bits everywhere; states such as moving statistics are averaged as well.
 * @returns the mean of each weight by name, which `model.setWeights` takes
 * @throws LanegradError where names or shapes differ, a share is negative or no number, or all are 0
 * @example
 * ```js
 * import { averageWeights, dense, sequential } from 'lanegrad'
 *
 * const [server, a, b] = [1, 2, 3].map((seed) => sequential({ inputShape: [1], layers: [dense({ units: 1, name: 'out' })], seed }))
 * a.setWeights({ 'out/kernel': [[1]] })
 * b.setWeights({ 'out/kernel': [[5]] })
 * server.setWeights(averageWeights([a, b], [300, 100])) // a has seen three times as many samples
 * console.log(server.getWeights()['out/kernel'].data[0]) // 2
 * ```
 */
export function averageWeights(
  models: readonly (WeightsByName | { getWeights(): WeightsByName })[],
  shares?: readonly number[],
): Record<string, FloatArray> {
  const what = 'averageWeights'
  return reading(`${what}: its arguments`, () => {
    check(
      Array.isArray(models) && models.length > 0,
      `${what}: models`,
      'a list of models or weights',
      models,
    )
    const list = models.map((given, i) => weightsOf(given, `${what}: models[${i}]`))
    const parts = shares ?? list.map(() => 1)
    const areShares = Array.isArray(parts) && parts.length === list.length && parts.every(SHARE_OF_ONE.holds)
    check(areShares, `${what}: shares`, `${list.length} finite numbers >= 0, one for each model`, parts)
    const whole = parts.reduce((sum, share) => sum + share, 0)
    check(whole > 0 && Number.isFinite(whole), `${what}: shares`, 'a finite sum above 0', whole)

    const names = Object.keys(list[0])
    list.forEach((weights, i) => {
      const differs = Object.keys(weights).length !== names.length
      const missing = names.find((name) => !Object.hasOwn(weights, name))
      if (differs || missing !== undefined)
        fail(
          `${what}: models[${i}] has other weights than models[0]${missing ? `: it has no ${missing}` : ''}`,
        )
    })
    return Object.fromEntries(
      names.map((name): [string, FloatArray] => {
        const { shape, data } = list[0][name]
        const sums = new Float64Array(data.length)
        list.forEach((weights, i) => {
          const own = weights[name]
          if (!sameShape(own.shape, shape))
            fail(`${what}: models[${i}]: ${name}: expected ${shapeText(shape)}; got ${shapeText(own.shape)}`)
          for (let at = 0; at < sums.length; at++) sums[at] += parts[i] * own.data[at]
        })
        return [name, { shape: [...shape], data: Float32Array.from(sums, (sum) => sum / whole) }]
      }),
    )
  })
}
