// Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011), four
// counters at a time, as src/numerics/random.ts has it: two random words for each.

@inline
function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits))
}

// the words of four blocks, until the next call: an instance is one thread's
export let first: v128 = i32x4.splat(0)
export let second: v128 = i32x4.splat(0)

/** Threefry of four counters under one key; the words go to `first` and `second`. */
function blocks(key0: i32, key1: i32, counter0: v128, counter1: v128): void {
  let a = i32x4.splat(key0), b = i32x4.splat(key1)
  let c = v128.xor(i32x4.splat(0x1bd11bda), v128.xor(a, b))
  let x = i32x4.add(counter0, a), y = i32x4.add(counter1, b)
  for (let group = 1; group <= 5; group++) {
    if (group & 1) {
      x = i32x4.add(x, y); y = v128.xor(x, rotate(y, 13))
      x = i32x4.add(x, y); y = v128.xor(x, rotate(y, 15))
      x = i32x4.add(x, y); y = v128.xor(x, rotate(y, 26))
      x = i32x4.add(x, y); y = v128.xor(x, rotate(y, 6))
    } else {
      x = i32x4.add(x, y); y = v128.xor(x, rotate(y, 17))
      x = i32x4.add(x, y); y = v128.xor(x, rotate(y, 29))
      x = i32x4.add(x, y); y = v128.xor(x, rotate(y, 16))
      x = i32x4.add(x, y); y = v128.xor(x, rotate(y, 24))
    }
    const next = a
    a = b
    b = c
    c = next
    x = i32x4.add(x, a)
    y = i32x4.add(y, i32x4.add(b, i32x4.splat(group)))
  }
  first = x
  second = y
}

export { blocks } // down here: asc warns of v128 parameters where `export` precedes a function
