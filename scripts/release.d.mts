export function nextVersion(version: string, kind: string): string
export function releasedChangelog(text: string, version: string, day: string): string
