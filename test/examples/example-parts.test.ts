// Parts of the examples that their figures rest on: principal components against pictures whose components are known
// by construction, and the days of the weather against the calendar.

import { expect, test } from 'vitest'
import { principalComponents, projected } from '../../examples/autoencoder/pca.ts'
import { readWeather, simpleForecasts } from '../../examples/series/weather.ts'

// Mean (2, 2, 2, 2); along (1, 1, 0, 0) / sqrt 2 the variance is 8, along (0, 0, 1, -1) / sqrt 2 it is 2, elsewhere 0.
const PICTURES = Float32Array.from([...[4, 4, 3, 1], ...[4, 4, 1, 3], ...[0, 0, 3, 1], ...[0, 0, 1, 3]])

test('principal components: the directions of largest variance, and what is closest in their span', () => {
  const components = principalComponents(PICTURES, 4, 2)
  expect([...components.mean]).toEqual([2, 2, 2, 2])
  const half = Math.SQRT1_2
  const expected = [
    [half, half, 0, 0],
    [0, 0, half, -half],
  ]
  components.directions.forEach((direction, i) => {
    const sign = Math.sign(direction[2 * i])
    direction.forEach((x, pixel) => {
      expect(sign * x).toBeCloseTo(expected[i][pixel], 10)
    })
  })
  const one = { ...components, directions: components.directions.slice(0, 1) }
  const closest = [...projected(PICTURES, components), ...projected(PICTURES.subarray(0, 8), one)]
  const wanted = [...PICTURES, 4, 4, 2, 2, 4, 4, 2, 2]
  wanted.forEach((x, i) => {
    expect(closest[i]).toBeCloseTo(x, 6)
  })
  expect(closest.length).toBe(wanted.length)
})

test('weather: every day of 2012 to 2015 once, in order', () => {
  const days = readWeather()
  const calendar = Array.from({ length: 1461 }, (_, i) =>
    new Date(Date.UTC(2012, 0, 1 + i)).toISOString().slice(0, 10),
  )
  expect(days.map(({ date }) => date)).toEqual(calendar)
  expect(days[0]).toEqual({ date: '2012-01-01', rain: 0, high: 12.8, low: 5, wind: 4.7, dayOfYear: 0 })
  expect(days.at(-1)?.dayOfYear).toBe(364)
  expect(days.flatMap((day) => Object.values(day)).some(Number.isNaN)).toBe(false)
})

test('weather: simple forecasts know nothing later than today, but the season', () => {
  const days = readWeather()
  const known = days.slice(0, 1096)
  const forecasts = simpleForecasts(days, known)
  expect(forecasts['as today'](1100, 3)).toBe(days[1100].high)
  expect(forecasts['as a year ago'](1100, 3)).toBe(days[738].high)
  // 2015-07-11 is day 190 of its year: days 180 to 200 of the three years before
  const around = known.filter(({ dayOfYear }) => dayOfYear >= 180 && dayOfYear <= 200)
  expect(around.length).toBe(63)
  const mean = around.reduce((sum, { high }) => sum + high, 0) / 63
  expect(forecasts['as usual then'](1096 + 187, 3)).toBeCloseTo(mean, 10)
})
