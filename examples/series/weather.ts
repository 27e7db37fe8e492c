// Four years of Seattle's daily weather, and forecasts of the daily high that need no network.
//
// In:  the CSV file of the package vega-datasets. Out: days in order, none missing, and functions of a day's index.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { InputError } from '../shared/idx.ts'

export interface Day {
  date: string
  /** mm */
  rain: number
  /** °C */
  high: number
  low: number
  /** m/s */
  wind: number
  /** 0 is January 1st */
  dayOfYear: number
}

const MS_PER_DAY = 24 * 60 * 60 * 1000

export function readWeather(): Day[] {
  const lines = readFileSync(packagedCsv(), 'utf8').trim().split(/\r?\n/)
  return lines.slice(1).map((line) => {
    const [date, ...cells] = line.split(',')
    const [rain, high, low, wind] = cells.map(Number)
    const dayOfYear = (Date.parse(date) - Date.parse(`${date.slice(0, 4)}-01-01`)) / MS_PER_DAY
    return { date, rain, high, low, wind, dayOfYear }
  })
}

function packagedCsv(): string {
  try {
    const entry = createRequire(import.meta.url).resolve('vega-datasets')
    return join(dirname(entry), '../data/seattle-weather.csv')
  } catch {
    throw new InputError('the package vega-datasets is missing: run `npm install`')
  }
}

/** What someone knows of the high of day `today + ahead` at the end of day `today`. */
export type Forecast = (today: number, ahead: number) => number

/** The forecasts to beat. What is usual for a season is learned from `known`, the days before the test. */
export function simpleForecasts(days: readonly Day[], known: readonly Day[]): Record<string, Forecast> {
  const usual = usualHighs(known)
  return {
    'as today': (today) => days[today].high,
    'as a year ago': (today, ahead) => days[today + ahead - 365].high,
    'as usual then': (today, ahead) => usual[days[today + ahead].dayOfYear],
  }
}

/** For each day of the year the mean high of the 21 days around it, over all years. */
function usualHighs(known: readonly Day[]): number[] {
  return Array.from({ length: 366 }, (_, dayOfYear) => {
    const around = known.filter((day) => {
      const apart = Math.abs(day.dayOfYear - dayOfYear)
      return Math.min(apart, 366 - apart) <= 10
    })
    return around.reduce((sum, day) => sum + day.high, 0) / around.length
  })
}
