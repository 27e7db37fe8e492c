export function nextVersion(version: string, kind: string, isReleased?: boolean): string
export function releasedChangelog(text: string, version: string, day: string): string
