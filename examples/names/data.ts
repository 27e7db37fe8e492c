// Names as arrays: what a network reads, and what it shall say next.
//
// In:  a text file, one name a line. Out: ids of characters, int32, one row a name.
// Id 0 stands before and behind every name, so one token both starts and ends it. A row has as many steps as the
// longest name needs; the target of a step behind the end is IGNORED and counts in no loss.

import { readFileSync } from 'node:fs'
import { InputError } from '../shared/idx.ts'

/** Target of the steps behind a name's end: the loss leaves it out. */
export const IGNORED = -1

export interface NameSet {
  /** [names, steps]: the characters so far, beginning with id 0 */
  x: { shape: [number, number]; data: Int32Array }
  /** [names, steps]: the character that follows each of them; 0 at the end, then IGNORED */
  y: { shape: [number, number]; data: Int32Array }
}

/** The lines of a file in lower case, without blank ones, repetitions and those of more than `longest` characters. */
export function readNames(path: string, longest: number): { names: string[]; tooLongCount: number } {
  const lines = readFileSync(path, 'utf8').toLowerCase().split(/\r?\n/)
  const all = [...new Set(lines.map((line) => line.trim()).filter((line) => line !== ''))]
  const names = all.filter((name) => name.length <= longest)
  if (names.length < 100) {
    throw new InputError(`${path}: expected 100 names of at most ${longest} characters, got ${names.length}`)
  }
  return { names, tooLongCount: all.length - names.length }
}

/** The character of each id; id 0 is none of a name's characters. */
export function alphabetOf(names: readonly string[]): string[] {
  return ['', ...[...new Set(names.join(''))].sort()]
}

/** 'ada' to x = [0, a, d, a] and y = [a, d, a, 0], both filled up to `steps`. */
export function encodeNames(names: readonly string[], alphabet: readonly string[], steps: number): NameSet {
  const x = new Int32Array(names.length * steps)
  const y = new Int32Array(names.length * steps).fill(IGNORED)
  names.forEach((name, row) => {
    const ids = Array.from(name, (char) => alphabet.indexOf(char))
    x.set([0, ...ids], row * steps)
    y.set([...ids, 0], row * steps)
  })
  const shape: [number, number] = [names.length, steps]
  return { x: { shape, data: x }, y: { shape, data: y } }
}

/** Ends of names included: what every loss is a mean over. */
export function characterCount({ y }: NameSet): number {
  return y.data.filter((id) => id !== IGNORED).length
}

/**
 * Mean of -log p[y] over the characters of a set, in nats, summed in float64; `logits` are [names, steps, characters]
 * as `predict` gives them, p is their softmax.
 */
export function meanLoss(logits: Float32Array, set: NameSet, characters: number): number {
  let sum = 0
  set.y.data.forEach((id, step) => {
    if (id === IGNORED) return
    const row = logits.subarray(step * characters, (step + 1) * characters)
    const largest = Math.max(...row)
    const total = row.reduce((total, logit) => total + Math.exp(logit - largest), 0)
    sum += largest + Math.log(total) - row[id]
  })
  return sum / characterCount(set)
}

/**
 * The same for the baseline: how often each character followed each other one in `train`, one added to every count so
 * that nothing is impossible.
 */
export function bigramLoss(train: NameSet, heldOut: NameSet, characters: number): number {
  const counts = Array.from({ length: characters }, () => new Array<number>(characters).fill(1))
  train.y.data.forEach((id, step) => {
    if (id !== IGNORED) counts[train.x.data[step]][id]++
  })
  const totals = counts.map((row) => row.reduce((total, count) => total + count, 0))
  let sum = 0
  heldOut.y.data.forEach((id, step) => {
    const before = heldOut.x.data[step]
    if (id !== IGNORED) sum -= Math.log(counts[before][id] / totals[before])
  })
  return sum / characterCount(heldOut)
}
