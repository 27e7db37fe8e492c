// The class of every error thrown on purpose. In a file of its own: what is bundled apart from the main file
// (scripts/bundle.mjs) takes it from there, so that `instanceof` holds everywhere.

/** The one error class the library throws on purpose. */
export class LanegradError extends Error {
  override name = 'LanegradError'
}
