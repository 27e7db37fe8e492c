export function checkRanges(
  targets: Readonly<Record<string, { readonly outFile: string; readonly tableBase?: number }>>,
  read?: (name: string) => Uint8Array,
): Map<string, readonly [first: number, end: number]>
