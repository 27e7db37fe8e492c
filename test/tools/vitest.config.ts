// The tests of what is packed: npm run test:package installs what they need. A plain object, since `vitest/config` is
// here the Vitest that is tested.
import library, { PACKAGE_TESTS } from '../../vitest.config.ts'

export default {
  ...library,
  test: { ...library.test, include: PACKAGE_TESTS, exclude: [], hookTimeout: 120_000 },
}
