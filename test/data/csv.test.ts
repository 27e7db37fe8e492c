// CSV texts to tables and columns.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  labelColumn,
  numberColumns,
  oneHotColumn,
  parseCsv,
  tableFeatures,
  textColumn,
  trainTestSplit,
} from '../../src/data/index.ts'
import { refused } from '../support/refused.ts'

function messageOf(call: () => unknown): string {
  try {
    call()
    return 'none'
  } catch (error) {
    return (error as Error).message
  }
}

describe('parseCsv', () => {
  test.each<[string, string]>([
    ['line feeds', 'a,b\n1,x\n2,y\n'],
    ['carriage returns too', 'a,b\r\n1,x\r\n2,y\r\n'],
    ['no end of line at the end', 'a,b\n1,x\n2,y'],
    ['a byte order mark', '\ufeffa,b\n1,x\n2,y'],
    ['blank lines', '\na,b\n\n1,x\n\n2,y\n\n'],
    ['line feeds and carriage returns mixed', '\ufeff"a","b"\r\n1,x\n2,"y"\r\n\n'],
    ['all three line ends', 'a,b\r1,x\r\n2,y\n'],
    ['carriage returns alone', 'a,b\r1,x\r2,y'],
    ['quotes where none are due', '"a","b"\n"1","x"\n2,"y"'],
  ])('reads %s', (_, text) => {
    expect(parseCsv(text)).toEqual({
      names: ['a', 'b'],
      rows: [
        ['1', 'x'],
        ['2', 'y'],
      ],
    })
  })

  test('reads quoted delimiters, quotes and line ends, and empty fields', () => {
    const text = 'name,note\n"Smith, J.","said ""no"""\n"two\nlines",\n'
    expect(parseCsv(text).rows).toEqual([
      ['Smith, J.', 'said "no"'],
      ['two\nlines', ''],
    ])
  })

  test('of mixed line ends, those within quotes stay', () => {
    const text = 'a,b\n"1\r\n""2""\r\n",5" \r\n"3\r",6"\r\n'
    expect(parseCsv(text).rows).toEqual([
      ['1\r\n"2"\r\n', '5" '],
      ['3\r', '6"'],
    ])
    expect(parseCsv(text.replaceAll(',', '|'), { delimiter: '|' }).rows).toEqual(parseCsv(text).rows)
  })

  test('reads what was written, whatever the quotes and line ends', () => {
    const cell = fc.tuple(fc.stringMatching(/^[ab", ;|\r\n]{0,5}$/), fc.boolean())
    const lines = fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(',', ';', '|', ', '))
      .chain(([width, delimiter]) => {
        const row = fc.array(cell, { minLength: width, maxLength: width })
        const line = fc.tuple(row, fc.constantFrom('\n', '\r\n', '\r'))
        return fc.tuple(fc.array(line, { minLength: 1, maxLength: 6 }), fc.constant(delimiter))
      })
    const written = ([text, isQuoted]: readonly [string, boolean], delimiter: string) =>
      isQuoted ||
      text === '' ||
      text.startsWith('"') ||
      /[\r\n]/.test(text) ||
      [...delimiter].some((c) => text.includes(c))
        ? `"${text.replaceAll('"', '""')}"`
        : text
    fc.assert(
      fc.property(lines, ([rows, delimiter]) => {
        const text = rows.map(([row, end]) => row.map((c) => written(c, delimiter)).join(delimiter) + end)
        const cells = rows.map(([row]) => row.map(([text]) => text))
        expect(parseCsv(text.join(''), { delimiter, header: false }).rows).toEqual(cells)
      }),
      { numRuns: 1000 },
    )
  })

  test.each<[string, string[]]>([
    ['a\n1\n""\n3\n', ['1', '', '3']],
    ['a\r\n1\r\n\r\n3\r\n', ['1', '', '3']],
    ['\na\n\n\n3\n\n\n', ['', '', '3']],
    ['a\n""\n', ['']],
    ['a\n1\n""', ['1', '']],
    ['""\n1\n', ['1']],
    ['a', []],
  ])('one column: rows of %j', (text, cells) => {
    expect(parseCsv(text).rows).toEqual(cells.map((cell) => [cell]))
  })

  test('other delimiters, no header, some columns', () => {
    expect(parseCsv('1;2,5\n3;4', { delimiter: ';', header: false })).toEqual({
      names: ['0', '1'],
      rows: [
        ['1', '2,5'],
        ['3', '4'],
      ],
    })
    expect(parseCsv('a\tb\tc\n1\t2\t3', { delimiter: '\t', columns: ['c', 'a'] })).toEqual({
      names: ['c', 'a'],
      rows: [['3', '1']],
    })
  })

  test.each<[string, string, RegExp]>([
    ['too few fields', 'a,b\n1,2\n3', /^parseCsv: line 3: expected 2 fields; got 1$/],
    ['too many fields', 'a,b\n1,2,3', /^parseCsv: line 2: expected 2 fields; got 3$/],
    ['a line behind blank ones', '\ufeff\n\na,b\n\n1\n', /^parseCsv: line 5: expected 2 fields; got 1/],
    [
      'a line behind quoted ends',
      'a,b\r\n"1\r\n\n2\r",3\r\n4\r\n',
      /^parseCsv: line 6: expected 2 fields; got 1/,
    ],
    ['an open quote further down', 'a,b\n"1\n",2\n\n3,"4\n\n', /^parseCsv: line 5: Quoted field untermin/],
    ['an open quote', 'a,b\n1,"2', /^parseCsv: line 2: Quoted field unterminated$/],
    ['text after a quote', 'a,b\n1,"2"3"\n', /^parseCsv: line 2: /],
    ['two columns of one name', 'a,a\n1,2', /^parseCsv: two columns are named "a"$/],
    ['nothing', '', /^parseCsv: the text is empty$/],
    ['nothing but line ends', '\ufeff\r\n\n', /^parseCsv: the text is empty$/],
  ])('refuses %s', (_, text, message) => {
    refused(message, () => parseCsv(text))
  })

  test('refuses unknown columns and options', () => {
    const message = 'unknown column "wdith"; did you mean "width"? Known: width, height'
    refused(message, () => parseCsv('width,height\n1,2', { columns: ['wdith'] }))
    refused(/^unknown parseCsv option "sep"/, () => parseCsv('a', { sep: ';' } as object))
    refused('parseCsv: text must be a string; got 3', () => parseCsv(3 as unknown as string))
    refused(
      `parseCsv: text must be what a CSV file holds, such as readFileSync(path, 'utf8'); got a path, "data/cars.csv"`,
      () => parseCsv('data/cars.csv'),
    )
    expect(parseCsv('cars.csv\n1').names).toEqual(['cars.csv'])
  })

  test('a table whose fields are separated by something else is told by its one column', () => {
    const fault =
      'there is one column alone, "a;b"; its fields seem to be separated by ";": parseCsv(text, { delimiter: ";" })'
    const table = parseCsv('a;b\n1;2\n3;4\n')
    const options = { testSize: 0.5, stratify: 'b' }
    for (const [where, call] of [
      ['numberColumns: columns: ', () => numberColumns(table, ['b'])],
      ['textColumn: ', () => textColumn(table, 'a')],
      ['tableFeatures: column: ', () => tableFeatures(table, { target: 'b' })],
      ['tableFeatures: column: ', () => tableFeatures(table, { columns: ['a'] })],
      ['trainTestSplit: stratify: column: ', () => trainTestSplit(table, options)],
      ['parseCsv: columns: ', () => parseCsv('a;b\n1;2\n', { columns: ['a'] })],
    ] as const)
      expect([where, messageOf(call)]).toEqual([where, expect.stringContaining(fault)])
    expect(messageOf(() => textColumn(parseCsv('a\tb\n1\t2\n'), 'a'))).toContain('separated by "\\t"')
    refused(/unknown column "c"; did you mean/, () => textColumn(parseCsv('a\n1\n'), 'c'))
    refused('parseCsv: header must be a boolean; got "no"', () => parseCsv('a', { header: 'no' } as object))
    refused('parseCsv: delimiter must be a string without quotes and line ends; got "\\n"', () =>
      parseCsv('a', { delimiter: '\n' }),
    )
    refused('parseCsv: columns must be a list of names; got "b"', () =>
      parseCsv('b\n1', { columns: 'b' } as object),
    )
  })
})

describe('columns', () => {
  const table = parseCsv('id,w,h,kind\n1, 2.5 ,-3e2,oak\n2,.5,+4.,ash\n3,0,1E-1,oak')

  test('of numbers, in the order asked for', () => {
    expect(numberColumns(table, ['h', 'w'])).toEqual({
      shape: [3, 2],
      data: Float32Array.of(-300, 2.5, 4, 0.5, 0.1, 0),
    })
    expect(numberColumns(parseCsv('a,b\n1,2\n3,4'))).toEqual({
      shape: [2, 2],
      data: Float32Array.of(1, 2, 3, 4),
    })
  })

  test('with missing values', () => {
    const gaps = parseCsv('a,b\n,NA\nnan,?\nnull,7')
    expect([...numberColumns(gaps, ['a', 'b'], { missing: Number.NaN }).data]).toEqual([
      ...[Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, 7],
    ])
    expect(numberColumns(gaps, ['b'], { missing: -1 }).data).toEqual(Float32Array.of(-1, -1, 7))
    refused(
      'numberColumns: column "b", row 0 must be a number (or give { missing: NaN }, or another number in its place); got "NA"',
      () => numberColumns(gaps, ['b']),
    )
  })

  test.each(['0', null, Infinity, 1e39, [1]])('missing is no %j', (missing) => {
    refused(/^numberColumns: missing must be a float32 number or NaN; got /, () =>
      numberColumns(table, ['w'], { missing } as object),
    )
  })

  test('up to the largest float32', () => {
    // 2^128 - 2^104, and halfway from there to 2^128, which rounds up
    const largest = '340282346638528859811704183484516925440'
    const half = '340282356779733661637539395458142568448'
    const cells = parseCsv(`a,b\n-${largest},3.4e38\n1e-400,-${half}\n1e39,1e400`)
    expect([...numberColumns({ ...cells, rows: cells.rows.slice(0, 1) }).data]).toEqual([
      -Number(largest),
      Math.fround(3.4e38),
    ])
    refused(`numberColumns: column "b", row 1 must be a number that fits float32; got "-${half}"`, () =>
      numberColumns(cells),
    )
    refused('numberColumns: column "a", row 2 must be a number that fits float32; got "1e39"', () =>
      numberColumns(cells, ['a']),
    )
    refused('numberColumns: column "b", row 0 must be a number that fits float32; got "1e400"', () =>
      numberColumns({ names: ['a', 'b'], rows: [['1', '1e400']] }, undefined, { missing: 0 }),
    )
  })

  test('of what is no table', () => {
    const expected = 'table must be a table from parseCsv; got'
    const none = undefined as never
    refused(`textColumn: ${expected} undefined`, () => textColumn(none, 'a'))
    refused(`numberColumns: ${expected} undefined`, () => numberColumns(none))
    refused(`labelColumn: ${expected} [1]`, () => labelColumn([1] as never, 'a'))
    refused(`oneHotColumn: ${expected} { rows }`, () => oneHotColumn({ rows: [] } as never, 'a'))
    refused('numberColumns: columns must be a list of names; got "w"', () =>
      numberColumns(table, 'w' as never),
    )
    refused('numberColumns: column "b", row 0 must be a number; got undefined', () =>
      numberColumns({ names: ['a', 'b'], rows: [['1']] }),
    )
  })

  test.each(['xyz', ['oak', 'ash', 'oak'], [1, 2], null])('classes that are no names: %j', (classes) => {
    const expected = /^(labelColumn|oneHotColumn): classes must be a list of distinct strings; got /
    refused(expected, () => labelColumn(table, 'kind', classes as string[]))
    refused(expected, () => oneHotColumn(table, 'kind', classes as string[]))
  })

  test.each(['x', '1,5', '0x10', '1 2', 'Infinity', '1e', '.', '--1'])('%s is not a number', (cell) => {
    const message = `numberColumns: column "a", row 0 must be a number; got ${JSON.stringify(cell)}`
    refused(message, () => numberColumns({ names: ['a'], rows: [[cell]] }, ['a'], { missing: 0 }))
  })

  test('of texts', () => {
    expect(textColumn(table, 'kind')).toEqual(['oak', 'ash', 'oak'])
    refused(/^unknown column "kin"; did you mean "kind"\?/, () => textColumn(table, 'kin'))
  })

  test('as labels, sorted or in a given order', () => {
    expect(labelColumn(table, 'kind')).toEqual({
      shape: [3],
      data: Int32Array.of(1, 0, 1),
      classes: ['ash', 'oak'],
    })
    expect(labelColumn(table, 'kind', ['oak', 'elm', 'ash']).data).toEqual(Int32Array.of(0, 2, 0))
    refused('labelColumn: column "kind", row 1: unknown class "ash". Known: oak, elm', () =>
      labelColumn(table, 'kind', ['oak', 'elm']),
    )
  })

  test('as one-hot rows', () => {
    expect(oneHotColumn(table, 'kind', ['oak', 'elm', 'ash'])).toEqual({
      shape: [3, 3],
      data: Float32Array.of(1, 0, 0, 0, 0, 1, 1, 0, 0),
      classes: ['oak', 'elm', 'ash'],
    })
  })
})
