// Options of a trainer's methods: few, so that no program carries the readers of the full library for them.
import { check, fail, isObject, reading } from '../numerics/errors.ts'

/**
 * The options with their defaults filled in; where a default is true or false, so must be the option.
 * @throws LanegradError naming an option that is unknown or of another type
 */
export const withDefaults = <O extends object>(what: string, options: object, defaults: O): O =>
  reading(`${what}: its options`, () => {
    check(isObject(options), `${what}: options`, `an object of ${Object.keys(defaults).join(', ')}`, options)
    const known = { ...defaults } as Record<string, unknown>
    for (const [key, value] of Object.entries(options)) {
      if (!Object.hasOwn(defaults, key))
        fail(`${what}: there is no option ${key}; its options are ${Object.keys(defaults).join(', ')}`)
      if (value === undefined) continue
      check(
        typeof known[key] !== 'boolean' || typeof value === 'boolean',
        `${what}: ${key}`,
        'a boolean',
        value,
      )
      known[key] = value
    }
    return known as O
  })
