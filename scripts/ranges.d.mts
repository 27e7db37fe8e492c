/** Half-open ranges of low memory and of the function table. */
export interface Taken {
  readonly memory: readonly [number, number]
  readonly table: readonly [number, number]
}
export function checkRanges(
  targets: Readonly<Record<string, { readonly outFile: string }>>,
  read?: (name: string) => Uint8Array,
): Map<string, Taken>
