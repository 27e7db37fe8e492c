// What travels as plain data between a page and its worker, and is what it was on the other side.
import { describe, expect, test } from 'vitest'
import type { RuntimeOptions } from '../../src/index.ts'
import { relaxed } from '../../src/relaxed/index.ts'
import { workers } from '../../src/threads/index.ts'
import { runtimeData, runtimeOf } from '../../src/worker/messages.ts'

describe('what a model runs on', () => {
  const sent = (options: RuntimeOptions) => runtimeOf(structuredClone(runtimeData(options)))

  test.each([
    ['one thread, exact', {}, undefined, undefined],
    ['relaxed', { numerics: relaxed() }, 'relaxed', undefined],
    ['three threads', { numerics: null, threads: workers(3) }, undefined, 3],
    ['all cores, relaxed', { numerics: relaxed(), threads: workers() }, 'relaxed', null],
  ])('%s', (_, options, kind, count) => {
    const { numerics, threads } = sent(options)
    expect([numerics?.kind, threads?.count]).toEqual([kind, count])
  })
})
