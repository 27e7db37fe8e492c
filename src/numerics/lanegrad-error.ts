// The class of every error thrown on purpose. In a file of its own, so that subpaths, which are bundled apart from the
// main file, take it from there (scripts/entries.mjs): `instanceof` holds everywhere.

/**
 * The one class of errors that the library throws on purpose: its message names the layer or argument, what was expected and
 * what came. It is the same class from every entry of the package.
 * @example
 * ```js
 * import { dense, LanegradError } from 'lanegrad'
 *
 * try {
 *   dense({ units: 0 })
 * } catch (error) {
 *   if (!(error instanceof LanegradError)) throw error
 *   console.log(error.message) // dense: units must be a positive integer; got 0
 * }
 * ```
 */
export class LanegradError extends Error {
  /** A getter of the class, so that a stack begins with this name. */
  override get name() {
    return 'LanegradError'
  }
}
