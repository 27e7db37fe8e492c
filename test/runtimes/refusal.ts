// What the library says where it can't compile its binaries. Enters: the build that brings them as bytes. Leaves: the
// error, as text.
type Library = Pick<typeof import('../../src/index.ts'), 'dense' | 'sequential'>

export function refusalOf({ dense, sequential }: Library): string {
  try {
    sequential({ inputShape: [1], layers: [dense({ units: 1 })] }).predict([[1]])
    return 'no error'
  } catch (error) {
    return String(error)
  }
}
