// Tables to features, against scikit-learn (sklearn/helpers.py: SimpleImputer, scalers, OneHotEncoder, LabelEncoder) and by hand.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadTableFeatures, parseCsv, type TableRows, tableFeatures } from '../../src/data/index.ts'
import {
  adam,
  concatenate,
  dense,
  embedding,
  flatten,
  input,
  model,
  rescaling,
  sequential,
} from '../../src/index.ts'
import { refused } from '../support/refused.ts'

const expected = JSON.parse(readFileSync(new URL('sklearn/helpers.json', import.meta.url), 'utf8'))
const table = parseCsv(expected.csv)
const train = { names: table.names, rows: table.rows.slice(0, expected.train) }

/** A table's rows as objects, numbers as such and empty cells left out or null. */
const objectsOf = ({ names, rows }: { names: readonly string[]; rows: readonly (readonly string[])[] }) =>
  rows.map((row, i) =>
    Object.fromEntries(
      names.flatMap((name, column): [string, unknown][] => {
        const cell = row[column]
        if (cell === '') return i % 2 ? [[name, null]] : []
        return [[name, column < 3 ? Number(cell) : cell]]
      }),
    ),
  )

describe('against scikit-learn', () => {
  test.each<{ impute: 'mean' | 'median'; scale: 'standard' | 'minMax' | 'none'; x: number[][] }>(
    expected.tables,
  )('impute $impute, scale $scale', ({ impute, scale, x }) => {
    const features = tableFeatures(train, { target: 'kind', impute, scale })
    expect(features.names.slice(0, 5)).toEqual(['a', 'b', 'c', 'color_blue', 'color_green'])
    const made = features.transform(table)
    expect(made.shape).toEqual([30, x[0].length])
    const flat: number[] = x.flat()
    const largest = Math.max(...flat.map(Math.abs))
    // float32 beside float64
    const off = made.data.map((value, i) => Math.abs(value - flat[i]))
    expect(Math.max(...off)).toBeLessThan(1e-7 * Math.max(1, largest))
    // objects give the same bits, and so do features that were saved
    const ofObjects = tableFeatures(objectsOf(train), {
      columns: ['a', 'b', 'c', 'color', 'size'],
      impute,
      scale,
    })
    expect(ofObjects.transform(objectsOf(table))).toEqual(made)
    expect(loadTableFeatures(JSON.stringify(features)).transform(table)).toEqual(made)
    expect(loadTableFeatures(features.toJSON()).dataset(table)).toEqual(features.dataset(table))
  })

  test('classes of the target', () => {
    const features = tableFeatures(table, { target: 'kind' })
    expect(features.labels).toEqual(expected.classes)
    expect([...features.targets(table).data]).toEqual(expected.kinds)
  })
})

describe('by hand', () => {
  const rows = [
    { when: '2024-02-29', member: 'yes', city: 'Rome', visits: 1 },
    { when: '2024-03-02', member: 'no', city: '', visits: 3 },
    { when: null, member: '', city: 'Oslo', visits: '' },
  ]

  test('dates are a number and a place in the year and the week; booleans 0 and 1', () => {
    const features = tableFeatures(rows, { columns: ['when', 'member'] })
    const names = ['when', 'when_yearSin', 'when_yearCos', 'when_weekSin', 'when_weekCos', 'member']
    expect(features.names).toEqual(names)
    const { data } = features.transform(rows)
    // days 19782 and 19784; the missing one is 19783, their mean
    const day = (days: number) => {
      const [year, week] = [365.2425, 7].map((all) => (2 * Math.PI * (days % all)) / all)
      return [Math.sin(year), Math.cos(year), Math.sin(week), Math.cos(week)]
    }
    const z = Math.sqrt(1.5) // 1 / the deviation of -1, 1 and 0
    const wanted = [-z, ...day(19782), 1, z, ...day(19784), 0, 0, ...day(19783), 0.5]
    for (const [i, value] of wanted.entries()) expect(data[i]).toBeCloseTo(value, 6)
  })

  test('times, zones and objects of class Date are moments; times add the place in the day', () => {
    const texts = ['1970-01-01T06:00', '1970-01-01 12:00:30Z', '1970-01-02T01:30+02:00']
    const dates = texts.map((text) => ({ at: text }))
    const features = tableFeatures(dates, { scale: 'none' })
    expect(features.names).toHaveLength(7)
    const days = (at: TableRows) => [...features.transform(at).data].filter((_, i) => i % 7 === 0)
    const wanted = [0.25, 0.5 + 30 / 86400, 1 - 30 / 1440].map(Math.fround)
    expect(days(dates)).toEqual(wanted)
    expect(days([{ at: new Date(6 * 3600_000) }])).toEqual([0.25])
    expect(features.transform(dates).data[5]).toBeCloseTo(1, 6) // sine of the day at 6 o'clock
  })

  test('booleans of JavaScript are booleans; a few hundred towns are categories', () => {
    const people = Array.from({ length: 300 }, (_, i) => ({
      old: i % 3 === 0,
      town: `t${i % 60}`,
      size: i % 2 ? 'S' : `${i % 3}`,
    }))
    const { names } = tableFeatures(people)
    expect([names[0], names.length, names.at(-1)]).toEqual(['old', 1 + 60 + 4, 'size_S'])
    expect(
      tableFeatures(people, { columns: ['old'] }).transform([{ old: true }, { old: null }]).data[1],
    ).toBeCloseTo(1 / 3)
  })

  test('an unknown or missing category is all zeros, or the id 0', () => {
    const features = tableFeatures(rows, { columns: { city: 'category' } })
    const strange = [{ city: 'Oslo' }, { city: 'Paris' }, { city: null }, {}]
    expect([...features.transform(strange).data]).toEqual([1, 0, 0, 0, 0, 0, 0, 0])
    const ids = tableFeatures(rows, { columns: ['city', 'visits'], categories: 'ids' })
    const { numbers, city } = ids.transform([{ city: 'Rome', visits: 4 }, { city: 'Paris' }])
    expect([city.shape, [...city.data]]).toEqual([
      [2, 1],
      [2, 0],
    ])
    expect([...numbers.data]).toEqual([Math.fround(2 * Math.sqrt(1.5)), 0])
    expect(ids.categories).toEqual({ city: ['Oslo', 'Rome'] })
    expect(loadTableFeatures(JSON.stringify(ids)).transform(rows)).toEqual(ids.transform(rows))
    const strict = tableFeatures(rows, { columns: ['city'], handleUnknown: 'error' })
    refused(
      'tableFeatures.transform: column "city", row 1: unknown category "Olso"; did you mean "Oslo"? Known: Oslo, Rome',
      () => strict.transform([{ city: 'Rome' }, { city: 'Olso' }]),
    )
  })

  test('a column of equal numbers is 0 in every row, whatever its mean is rounded to', () => {
    for (const scale of ['standard', 'minMax'] as const) {
      const rows = [{ size: 0.1 }, { size: 0.1 }, { size: 0.1 }]
      const features = tableFeatures(rows, { scale })
      expect([...features.transform([...rows, { size: 1.1 }]).data]).toEqual([0, 0, 0, 1])
      expect(loadTableFeatures(JSON.stringify(features)).names).toEqual(['size'])
    }
  })

  test('blanks around a text are no part of it', () => {
    const features = tableFeatures([{ town: ' Bonn' }, { town: 'Bonn ' }, { town: 'Ulm' }])
    expect(features.categories).toEqual({ town: ['Bonn', 'Ulm'] })
  })

  test('half numbers and half texts are categories: no kind is that of most rows', () => {
    const rows = ['1', '2', '3', 'a', 'b', 'c'].map((cell) => ({ cell }))
    expect(tableFeatures(rows).categories).toEqual({ cell: ['1', '2', '3', 'a', 'b', 'c'] })
  })

  test('a column named like a property of every object is missing where a row lacks it', () => {
    const features = tableFeatures([{ constructor: 'Ford' }, { constructor: 'Fiat' }, {}] as never)
    expect(features.names).toEqual(['constructor_Fiat', 'constructor_Ford'])
    expect([...features.transform([{}, { constructor: 'Ford' }] as never).data]).toEqual([0, 0, 0, 1])
    refused(/the rows have no column "constructor".* They have: none$/, () => features.transform([{}]))
  })

  test('no rows give no rows', () => {
    const features = tableFeatures(rows, { columns: ['city', 'visits'] })
    for (const none of [[], { names: ['visits', 'city'], rows: [] }])
      expect(features.transform(none)).toEqual({ shape: [0, 3], data: new Float32Array(0) })
  })

  test('labels of predictions', () => {
    const three = tableFeatures(table, { columns: ['a'], target: 'kind' })
    const scores = { shape: [2, 3], data: Float32Array.of(0.1, 0.2, 0.7, 0.5, 0.3, 0.2) }
    expect(three.toLabels(scores)).toEqual(['owl', 'cat'])
    const two = tableFeatures(
      [
        { a: 1, y: 'no' },
        { a: 2, y: 'yes' },
      ],
      { target: 'y' },
    )
    const one = { shape: [3, 1], data: Float32Array.of(0.4, 0.6, 0.5) }
    expect(two.toLabels(one)).toEqual(['no', 'yes', 'no'])
    expect(two.toLabels({ ...one, shape: [3] }, { threshold: 0 })).toEqual(['yes', 'yes', 'yes'])
    refused('tableFeatures.toLabels: expected a prediction [rows, 3]; got [3,1]', () => three.toLabels(one))
    const digits = tableFeatures(
      [
        { a: 1, y: 10 },
        { a: 2, y: 9 },
      ],
      { target: { y: 'category' } },
    )
    expect(digits.labels).toEqual(['9', '10'])
    refused(/^tableFeatures.toLabels: the target isn't a category/, () =>
      tableFeatures(
        [
          { a: 1, y: 10 },
          { a: 2, y: 9 },
        ],
        { target: 'y' },
      ).toLabels(one),
    )
  })

  test('a model learns from them, in the units of the target; inputs of ids too', async () => {
    const houses = Array.from({ length: 40 }, (_, i) => ({
      size: 50 + i,
      town: i % 3 ? 'A' : 'B',
      price: 1000 * (50 + i) + (i % 3 ? 0 : 9000),
    }))
    const features = tableFeatures(houses, { target: 'price' })
    const net = sequential({
      inputShape: features.inputShape,
      layers: [dense({ units: 1 }), rescaling(features.targetScale)],
    }).compile({ optimizer: adam({ learningRate: 0.1 }), loss: 'mse', metrics: ['mae'] })
    await net.fit(features.dataset(houses), { epochs: 60 })
    expect((await net.evaluate(features.dataset(houses))).mae).toBeLessThan(1500)
    const ids = tableFeatures(houses, { target: 'price', categories: 'ids' })
    const numbers = input({ shape: ids.inputShape, name: 'numbers' })
    const town = input({ shape: [1], dtype: 'int32', name: 'town' })
    const both = concatenate()(
      numbers,
      flatten()(embedding({ inputDim: ids.categories.town.length + 1, outputDim: 2 })(town)),
    )
    const other = model({
      inputs: { numbers, town },
      outputs: rescaling(ids.targetScale)(dense({ units: 1 })(both)),
    })
    other.compile({ optimizer: adam({ learningRate: 0.1 }), loss: 'mse', metrics: ['mae'] })
    await other.fit(ids.dataset(houses), { epochs: 60 })
    expect((await other.evaluate(ids.dataset(houses))).mae).toBeLessThan(1500)
  })

  test('10,000 columns: time grows with the cells', () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `c${i}`)
    const wide = { names, rows: [1, 2].map((row) => names.map((_, i) => String(row * i))) }
    const { data } = tableFeatures(wide).transform(wide)
    expect(data.length).toBe(20_000)
    expect([data[0], data[9_999], data[19_999]]).toEqual([0, -1, 1]) // the first column is constant
  })
})

describe('refuses', () => {
  test.each([
    ['1,5', '2'],
    ['1,234', '2,500'],
    ['1.234,5', '7'],
    ['1,234.5', '-0,5'],
  ])('numbers that are written with commas: %s', (first, second) => {
    const rows = [first, second, first, second, '', 'NA'].map((price) => ({ price }))
    refused(
      /column "price": expected numbers with a point, such as 1234\.5; got .*\{ "price": 'category' \}$/,
      () => tableFeatures(rows),
    )
    expect(tableFeatures(rows, { columns: { price: 'category' } }).names).toContain(`price_${first}`)
  })

  test('texts with commas that are no numbers are categories', () => {
    const rows = ['1,5', 'a,5', '1,5', 'a,5'].map((size) => ({ size }))
    expect(tableFeatures(rows).categories).toEqual({ size: ['1,5', 'a,5'] })
  })

  const cars = [
    { hp: 10, make: 'a' },
    { hp: 20, make: 'b' },
  ]

  test.each<[string, string | RegExp, () => unknown]>([
    ['no rows', 'tableFeatures: expected training rows; got none', () => tableFeatures([])],
    [
      'an all-missing column',
      'tableFeatures: column "hp" has no value in any of 2 rows; leave it out of columns',
      () =>
        tableFeatures([
          { hp: '', a: 1 },
          { hp: 'NA', a: 2 },
        ]),
    ],
    [
      'an all-missing column of a named kind',
      'tableFeatures: column "hp" has no value in any of 1 rows; leave it out of columns',
      () => tableFeatures([{ hp: null }], { columns: { hp: 'category' } }),
    ],
    [
      'ragged rows',
      'tableFeatures: row 1: expected 2 cells, one for each name; got 1',
      () => tableFeatures({ names: ['a', 'b'], rows: [['1', '2'], ['1']] }),
    ],
    [
      'rows of another kind',
      'tableFeatures: row 1 must be an object such as { column: value }; lists go into { names, rows }; got [1,2]',
      () => tableFeatures([{ a: 1 }, [1, 2]] as never),
    ],
    [
      'a text among numbers',
      /^tableFeatures: column "hp", row 2: expected a number that fits float32, as in most rows; got "1O"\. Correct it, or/,
      () => tableFeatures([{ hp: '3' }, { hp: '5' }, { hp: '1O' }]),
    ],
    [
      'a column of names',
      /^tableFeatures: column "name" has 60 texts in 60 rows, too many to learn from; leave it out/,
      () => tableFeatures(Array.from({ length: 60 }, (_, i) => ({ name: `n${i}`, a: i }))),
    ],
    [
      'another kind of cell later',
      'tableFeatures.transform: column "hp", row 0 must be a number that fits float32; got "fast"',
      () => tableFeatures(cars).transform([{ hp: 'fast', make: 'a' }]),
    ],
    [
      'a date that there is not',
      'tableFeatures: column "day", row 0 must be a date such as 2026-11-29 or 2026-11-29T08:30; got "2023-02-29"',
      () => tableFeatures([{ day: '2023-02-29' }], { columns: { day: 'date' } }),
    ],
    [
      'a column that rows lack',
      'tableFeatures.transform: the rows have no column "make"; give it, with null where a value is missing. They have: hp, mark',
      () => tableFeatures(cars).transform([{ hp: 1, mark: 'a' }]),
    ],
    [
      'a missing target',
      'tableFeatures: column "hp", row 1: the target is missing; leave out rows without one',
      () =>
        tableFeatures(
          [
            { hp: 1, make: 'a' },
            { hp: null, make: 'b' },
          ],
          { target: 'hp' },
        ),
    ],
    [
      'an unseen class',
      /^tableFeatures\.targets: column "make", row 0: unknown category "c"; .*Known: a, b$/,
      () => tableFeatures(cars, { target: 'make' }).targets([{ make: 'c' }]),
    ],
    [
      'targets without one',
      'tableFeatures.dataset: these features have no target; name one: tableFeatures(rows, { target })',
      () => tableFeatures(cars).dataset(cars),
    ],
    [
      'one row that is no list',
      'tableFeatures.transform: rows must be a table from parseCsv, or a list of objects ([row] of one); got { hp, make }',
      () => tableFeatures(cars).transform(cars[0] as never),
    ],
    [
      'an infinite number',
      'tableFeatures: column "hp", row 1 must be a number that fits float32; got Infinity',
      () => tableFeatures([{ hp: 1 }, { hp: Infinity }]),
    ],
    [
      'an hour that there is not',
      'tableFeatures: column "day", row 0 must be a date such as 2026-11-29 or 2026-11-29T08:30; got "2026-11-29T25:00"',
      () => tableFeatures([{ day: '2026-11-29T25:00' }], { columns: { day: 'date' } }),
    ],
    [
      'no column left',
      'tableFeatures: no column to learn from',
      () => tableFeatures([{ y: 1 }], { target: 'y' }),
    ],
    [
      'the target as a column',
      'tableFeatures: columns has the target "hp"',
      () => tableFeatures(cars, { columns: ['hp'], target: 'hp' }),
    ],
    [
      'an unknown kind',
      'tableFeatures: columns: "hp" must be "number", "boolean", "date" or "category"; got "int"',
      () => tableFeatures(cars, { columns: { hp: 'int' } as never }),
    ],
    [
      'another file',
      'loadTableFeatures: not what a tableFeatures was saved as: saved must be "tableFeatures"; got undefined',
      () => loadTableFeatures('{}'),
    ],
    ['no JSON', 'loadTableFeatures must be JSON; got "x"', () => loadTableFeatures('x')],
  ])('%s', (_, message, call) => refused(message, call))

  test('files that were tampered with', () => {
    const saved = tableFeatures(cars, { target: { make: 'category' } }).toJSON() as Record<string, unknown>
    const [column] = saved.columns as object[]
    for (const [change, message] of [
      [{ columns: 1 }, 'loadTableFeatures: columns must be a list; got 1'],
      [{ columns: [] }, 'loadTableFeatures: no column to learn from'],
      [
        { columns: [{ ...column, scale: 0 }] },
        'loadTableFeatures: column 0: scale must be a finite number > 0; got 0',
      ],
      [
        { columns: [{ ...column, kind: 'x' }] },
        'loadTableFeatures: column 0: kind must be "number", "boolean" or "date"; got "x"',
      ],
      [
        { target: { name: 'a', kind: 'category', values: ['a', 'a'] } },
        'loadTableFeatures: target: values must be a list of distinct strings; got ["a","a"]',
      ],
      [{ more: 1 }, /unknown option|loadTableFeatures option/],
    ] as const)
      refused(message as string, () => loadTableFeatures({ ...saved, ...change }))
  })
})
