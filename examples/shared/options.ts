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

/** A whole number in a range, its ends included. */
export function wholeFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = wholeNumber(text)
    if (value < least || value > most)
      throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`)
    return value
  }
}

const units = wholeFrom(1, 4096)

/** `256,128`: units of layers. */
export function unitList(text: string): number[] {
  return text.split(',').map((part) => units(part.trim()))
}

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('Expected a number above 0.')
  return value
}
