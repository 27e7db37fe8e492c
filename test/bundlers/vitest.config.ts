// The tests of what is packed: npm run test:package installs what they need.
import { defineConfig } from 'vitest/config'
import library, { PACKAGE_TESTS } from '../../vitest.config.ts'

export default defineConfig({ ...library, test: { ...library.test, include: PACKAGE_TESTS, exclude: [] } })
