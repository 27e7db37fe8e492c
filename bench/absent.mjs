// What an import that failed has to say.

/**
 * What to do where the package that an import asks for isn't there; null where a file of it is missing.
 * @param {unknown} error  of the import; any other than of something missing is thrown again
 */
export function notInstalled(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
  if (code !== 'ERR_MODULE_NOT_FOUND') throw error
  const missing = /^Cannot find package '([^']+)'/.exec(message)?.[1]
  return missing ? `${missing} is not installed: npm --prefix bench ci` : null
}
