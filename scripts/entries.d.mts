export const sources: Readonly<Record<string, string>>
export const subpaths: readonly string[]
