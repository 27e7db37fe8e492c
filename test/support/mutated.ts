// Damaged copies of a file, the same ones in every run: some cut off, the others with a few bytes changed.

/** Integers below a bound, by a linear congruential generator. */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

/** `rounds` copies; `isLikely`: bytes that are chosen for a change, by default any. */
export function* mutated(
  file: Uint8Array,
  rounds: number,
  isLikely: (at: number) => boolean = () => true,
): Generator<Uint8Array<ArrayBuffer>> {
  const random = numbersFrom(7)
  for (let round = 0; round < rounds; round++) {
    const damaged = file.slice(0, round % 8 === 0 ? random(file.length) : file.length)
    for (let i = 0; i <= round % 3 && damaged.length > 0; i++) {
      let at = random(damaged.length)
      for (let tries = 0; tries < 20 && !isLikely(at); tries++) at = random(damaged.length)
      damaged[at] = [0, 1, 255, damaged[at] ^ (1 << random(8)), random(256)][random(5)]
    }
    yield damaged
  }
}

/** Rounds of a test with damaged files: all with CI set. */
export const ROUNDS = process.env.CI ? 20_000 : 300
