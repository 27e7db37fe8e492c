// Texts to ids and bags of words, against scikit-learn's CountVectorizer (sklearn/helpers.py) and by hand.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadTextVectorizer, rows, textVectorizer } from '../../src/data/index.ts'
import { refused } from '../support/refused.ts'

const { bags } = JSON.parse(readFileSync(new URL('sklearn/helpers.json', import.meta.url), 'utf8'))

/** The counts of a vectorizer in the order of `words`, which must be all of its vocabulary. */
function inOrder(words: string[], ngrams: number): number[][] {
  const vectorizer = textVectorizer(bags.texts, { outputMode: 'count', ngrams })
  expect([...vectorizer.vocabulary].sort()).toEqual(['[UNK]', ...words].sort())
  const places = words.map((word) => vectorizer.vocabulary.indexOf(word))
  return rows(vectorizer.transform(bags.texts)).map((row) => places.map((place) => row[place]))
}

test('counts are those of scikit-learn, of single words and of pairs', () => {
  expect(inOrder(bags.words, 1)).toEqual(bags.counts)
  expect(inOrder(bags.pairWords, 2)).toEqual(bags.pairs)
})

describe('by hand', () => {
  const texts = ['b a b', 'c b', 'a']

  test('of words that are as frequent, the first of the alphabet is first', () => {
    expect(textVectorizer(['owl cat', 'dog owl']).vocabulary).toEqual(['', '[UNK]', 'owl', 'cat', 'dog'])
    expect(textVectorizer(['dog cat bee']).vocabulary.slice(2)).toEqual(['bee', 'cat', 'dog'])
  })

  test('a file with a weight too few or too many is refused', () => {
    const saved = textVectorizer(texts, { outputMode: 'tfIdf' }).toJSON() as { idf: number[] }
    for (const idf of [saved.idf.slice(1), [...saved.idf, 1]])
      refused(/^loadTextVectorizer: idf must be a number for each token and one more/, () =>
        loadTextVectorizer({ ...saved, idf }),
      )
  })

  test('ids by frequency, padded and cut at either end', () => {
    const vectorizer = textVectorizer(texts)
    expect(vectorizer.vocabulary).toEqual(['', '[UNK]', 'b', 'a', 'c'])
    expect(vectorizer.inputShape).toEqual([3])
    const { shape, data } = vectorizer.transform(['c x', 'a b c b', ''])
    expect([shape, [...data]]).toEqual([
      [3, 3],
      [4, 1, 0, 3, 2, 4, 0, 0, 0],
    ])
    expect(data).toBeInstanceOf(Int32Array)
    const front = textVectorizer(texts, { outputSequenceLength: 2, padding: 'pre', truncating: 'pre' })
    expect([...front.transform(['c', 'a b c b']).data]).toEqual([0, 4, 4, 2])
    expect(textVectorizer(texts, { maxTokens: 3 }).vocabulary).toEqual(['', '[UNK]', 'b'])
  })

  test('bags: multiHot, count and tfIdf by Keras’s formula', () => {
    const bag = (outputMode: 'multiHot' | 'count' | 'tfIdf') => [
      ...textVectorizer(texts, { outputMode }).transform(['b b x']).data,
    ]
    expect(bag('multiHot')).toEqual([1, 1, 0, 0])
    expect(bag('count')).toEqual([1, 2, 0, 0])
    // log(1 + N / (1 + df)): N = 3; b and a are in 2 texts, c in 1; an unknown word has the mean
    const [b, a, c] = [2, 2, 1].map((df) => Math.log(1 + 3 / (1 + df)))
    for (const [i, value] of bag('tfIdf').entries())
      expect(value).toBeCloseTo([(a + b + c) / 3, 2 * b, 0, 0][i], 6)
  })

  test.each<[string, string, string[]]>([
    ['capitals and punctuation', 'Hello, WORLD! (again)', ['hello', 'world', 'again']],
    ['apostrophes and digits', "don't pay 3.50 l’été", ["don't", 'pay', '3', '50', 'l’été']],
    ['composed and decomposed letters', 'e\u0301te\u0301 \u00e9t\u00e9', ['\u00e9t\u00e9', '\u00e9t\u00e9']],
    ['wide letters', 'ＦＲＥＥ', ['free']],
    ['Chinese', '我爱你 2024年', ['我', '爱', '你', '2024', '年']],
    ['Japanese beside Latin', 'カメラcamera', ['カ', 'メ', 'ラ', 'camera']],
    ['Thai with marks', 'ที่ดี', ['ที่', 'ดี']],
    ['Hindi keeps its marks', 'नमस्ते दुनिया', ['नमस्ते', 'दुनिया']],
    ['Russian and Greek', 'Привет Κόσμε', ['привет', 'κόσμε']],
    ['emoji: families, skins, flags', 'ok 👨‍👩‍👧👍🏽🇳🇴🇸🇪', ['ok', '👨‍👩‍👧', '👍🏽', '🇳🇴', '🇸🇪']],
    ['nothing but punctuation', '... !?', []],
    ['half a pair', 'a\ud83d b', ['a', 'b']],
  ])('words: %s', (_, text, tokens) => {
    expect(textVectorizer(['x']).tokens(text)).toEqual(tokens)
  })

  test('whitespace and characters', () => {
    expect(textVectorizer(['x'], { split: 'whitespace', lowercase: false }).tokens(' A,b  c ')).toEqual([
      'A,b',
      'c',
    ])
    expect(textVectorizer(['x'], { split: 'character' }).tokens('Ab ē👍🏽')).toEqual([
      'a',
      'b',
      ' ',
      'ē',
      '👍🏽',
    ])
  })

  test('what was saved gives the same numbers', () => {
    for (const options of [
      { ngrams: 2, padding: 'pre' },
      { outputMode: 'tfIdf', maxTokens: 3 },
      { split: 'character', lowercase: false, outputMode: 'multiHot' },
    ] as const) {
      const vectorizer = textVectorizer(bags.texts, options)
      for (const saved of [JSON.stringify(vectorizer), vectorizer.toJSON()])
        expect(loadTextVectorizer(saved).transform([...bags.texts, 'new cats'])).toEqual(
          vectorizer.transform([...bags.texts, 'new cats']),
        )
    }
  })

  test('words named like properties of objects', () => {
    const vectorizer = textVectorizer(['__proto__ constructor toString'], { outputMode: 'count' })
    expect([...vectorizer.transform(['constructor hasOwnProperty']).data]).toEqual([1, 0, 1, 0])
  })
})

test.each<[string, string, () => unknown]>([
  [
    'texts without any token',
    'textVectorizer: none of 2 texts has a token',
    () => textVectorizer(['', '...']),
  ],
  ['no texts', 'textVectorizer: none of 0 texts has a token', () => textVectorizer([])],
  [
    'what is no text',
    "textVectorizer.transform: text 1 must be a string ('' where there is none); got null",
    () => textVectorizer(['a']).transform(['a', null as never]),
  ],
  [
    'one text',
    'textVectorizer: texts must be a list of strings; got "abc"',
    () => textVectorizer('abc' as never),
  ],
  [
    'a vocabulary without room',
    'textVectorizer: maxTokens must be more than the 2 that every vocabulary has; got 2',
    () => textVectorizer(['a'], { maxTokens: 2 }),
  ],
  [
    'another file',
    'loadTextVectorizer: not what a textVectorizer was saved as: saved must be "textVectorizer"; got "tableFeatures"',
    () => loadTextVectorizer({ saved: 'tableFeatures' }),
  ],
  [
    'weights of another vocabulary',
    'loadTextVectorizer: idf must be a number for each token and one more in the mode tfIdf, null in others; got [1]',
    () => loadTextVectorizer({ ...textVectorizer(['a b'], { outputMode: 'tfIdf' }).toJSON(), idf: [1] }),
  ],
])('refuses %s', (_, message, call) => refused(message, call))
