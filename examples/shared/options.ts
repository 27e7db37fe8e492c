// What commander calls to read the value of an option: text in, a checked number out, or one line on stderr.
import { InvalidArgumentError } from 'commander'

export function positiveInteger(text: string): number {
  const value = wholeNumber(text)
  if (value === 0) throw new InvalidArgumentError('Expected at least 1.')
  return value
}

// Seeds and counts are 32-bit words inside the library.
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 0xffffffff) throw new InvalidArgumentError('Expected a whole number.')
  return value
}

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('Expected a number above 0.')
  return value
}
