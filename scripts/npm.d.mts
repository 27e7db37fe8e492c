export function npmCommand(
  args: readonly string[],
  system?: {
    readonly env?: Readonly<Record<string, string | undefined>>
    readonly execPath?: string
    readonly path?: Pick<typeof import('node:path'), 'join' | 'dirname'>
    readonly exists?: (path: string) => boolean
  },
): [program: string, args: string[]]
