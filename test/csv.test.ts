// CSV texts to tables and columns.
import { describe, expect, test } from 'vitest'
import { labelColumn, numberColumns, oneHotColumn, parseCsv, textColumn } from '../src/data/index.ts'
import { refused } from './refused.ts'

describe('parseCsv', () => {
  test.each<[string, string]>([
    ['line feeds', 'a,b\n1,x\n2,y\n'],
    ['carriage returns too', 'a,b\r\n1,x\r\n2,y\r\n'],
    ['no end of line at the end', 'a,b\n1,x\n2,y'],
    ['a byte order mark', '\ufeffa,b\n1,x\n2,y'],
    ['empty lines', 'a,b\n\n1,x\n\n2,y\n\n'],
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
    ['too few fields', 'a,b\n1,2\n3', /^parseCsv: row 3 has 1 fields, expected 2$/],
    ['too many fields', 'a,b\n1,2,3', /^parseCsv: row 2 has 3 fields, expected 2$/],
    ['an open quote', 'a,b\n1,"2', /^parseCsv: row 2: Quoted field unterminated$/],
    ['text after a quote', 'a,b\n1,"2"3"\n', /^parseCsv: row 2: /],
    ['two columns of one name', 'a,a\n1,2', /^parseCsv: two columns are named "a"$/],
    ['nothing', '', /^parseCsv: the text is empty$/],
  ])('refuses %s', (_, text, message) => {
    refused(message, () => parseCsv(text))
  })

  test('refuses unknown columns and options', () => {
    const message = 'unknown column "wdith"; did you mean "width"? Known: width, height'
    refused(message, () => parseCsv('width,height\n1,2', { columns: ['wdith'] }))
    refused(/^unknown parseCsv option "sep"/, () => parseCsv('a', { sep: ';' } as object))
    refused('parseCsv: text must be a string; got 3', () => parseCsv(3 as unknown as string))
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
    refused('numberColumns: column "b", row 0: "NA" is no number', () => numberColumns(gaps, ['b']))
  })

  test.each(['x', '1,5', '0x10', '1 2', 'Infinity', '1e', '.', '--1'])('%s is no number', (cell) => {
    const message = `numberColumns: column "a", row 0: ${JSON.stringify(cell)} is no number`
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
    refused('column "kind", row 1: "ash" is none of oak, elm', () =>
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
