type Paths = typeof import('node:path/posix')

export function slashes(path: string, system?: Pick<Paths, 'sep'>): string
export function urlPath(from: string, to: string, system?: Paths): string
export function requestedFile(folder: string, address: string, system?: Paths): string | null
