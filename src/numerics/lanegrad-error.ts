// The class of every error thrown on purpose. In a file of its own, so that subpaths, which are bundled apart from the
// main file, take it from there (scripts/subpaths.mjs): `instanceof` holds everywhere.

/** The one error class the library throws on purpose. */
export class LanegradError extends Error {
  override name = 'LanegradError'
}
