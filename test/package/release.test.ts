// What `npm run release` makes of versions and of the changelog.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nextVersion, releasedChangelog } from '../../scripts/release.mjs'
import { root } from '../support/installed.ts'

test.each([
  ['1.2.3', 'patch', '1.2.4'],
  ['1.2.3', 'minor', '1.3.0'],
  ['1.2.3', 'major', '2.0.0'],
  ['0.9.10', '0.10.0', '0.10.0'],
])('after %s, %s gives %s', (version, kind, next) => {
  expect(nextVersion(version, kind)).toBe(next)
})

test.each([
  ['1.2.3', "1.2.3 doesn't come after 1.2.3"],
  ['1.1.9', "1.1.9 doesn't come after 1.2.3"],
  ['1.2', 'expected patch, minor, major or a version like 1.2.3; got 1.2'],
  ['1.3.0-beta', 'expected patch, minor, major or a version like 1.2.3; got 1.3.0-beta'],
])('%s is refused', (kind, message) => {
  expect(() => nextVersion('1.2.3', kind)).toThrow(message)
})

test('a version that was never released can be the first one', () => {
  expect(nextVersion('0.1.0', '0.1.0', false)).toBe('0.1.0')
  expect(nextVersion('0.1.0', 'patch', false)).toBe('0.1.1')
  expect(() => nextVersion('0.1.0', '0.0.9', false)).toThrow("0.0.9 doesn't come after 0.1.0")
})

test('the package for Python has the version of the one for JavaScript', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const python = readFileSync(join(root, 'python/pyproject.toml'), 'utf8')
  expect(/^version = "(.*)"$/m.exec(python)?.[1]).toBe(version)
})

const CHANGELOG =
  '# Changelog\n\nAbout.\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-01-02\n\n- All.\n'

test('what was unreleased gets its version and its day', () => {
  expect(releasedChangelog(CHANGELOG, '0.2.0', '2026-03-04')).toBe(
    '# Changelog\n\nAbout.\n\n## [Unreleased]\n\n## [0.2.0] - 2026-03-04\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-01-02\n\n- All.\n',
  )
  expect(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')).toMatch(/^## \[Unreleased\]$/m)
})

test('a changelog with nothing to release, or with that version, is refused', () => {
  expect(() => releasedChangelog('# Changelog\n', '0.2.0', 'x')).toThrow('no section [Unreleased]')
  const empty = CHANGELOG.replace('### Added\n\n- A thing.\n\n', '')
  expect(() => releasedChangelog(empty, '0.2.0', 'x')).toThrow('nothing stands under [Unreleased]')
  expect(() => releasedChangelog(CHANGELOG, '0.1.0', 'x')).toThrow('has a section [0.1.0] already')
})
