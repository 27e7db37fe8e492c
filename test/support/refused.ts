// How the tests of bad input ask: a call must throw a LanegradError with this message, and change nothing.
import { expect } from 'vitest'
import { LanegradError, type Model } from '../../src/index.ts'

type Saved = Pick<Model, 'save'>

function expectRefusal(error: unknown, message: string | RegExp): void {
  expect(error).toBeInstanceOf(LanegradError)
  const text = (error as LanegradError).message
  if (typeof message === 'string') expect(text).toBe(message)
  else expect(text).toMatch(message)
}

/** `call` throws with this message; `of`, if given, is as it was, optimizer and all, bit for bit. */
export function refused(message: string | RegExp, call: () => unknown, of?: Saved): void {
  const before = of?.save({ includeOptimizer: true })
  let error: unknown
  try {
    call()
  } catch (thrown) {
    error = thrown
  }
  expectRefusal(error, message)
  if (of) expect(of.save({ includeOptimizer: true })).toEqual(before)
}

/** The same of a call that may throw or reject. */
export async function refusedSoon(message: string | RegExp, call: () => unknown, of: Saved): Promise<void> {
  const before = of.save({ includeOptimizer: true })
  let error: unknown
  try {
    await call()
  } catch (thrown) {
    error = thrown
  }
  expectRefusal(error, message)
  expect(of.save({ includeOptimizer: true })).toEqual(before)
}
