// Texts to the numbers that a net reads, by a vocabulary that was fitted on training texts. Enters: a list of strings. Leaves: ids of
// tokens [texts, length], or one row for each text with a number for each token of the vocabulary. What was fitted is plain data
// that JSON keeps.
import {
  BOOLEAN,
  check,
  fail,
  number,
  oneOf,
  orNull,
  POSITIVE_INTEGER,
  reading,
  readOptions,
} from '../numerics/errors.ts'
import { log } from '../numerics/exact.ts'
import type { FloatArray, NamedArray } from '../numerics/tensor.ts'
import { DISTINCT, readSaved } from './saved.ts'
import { tokenizer } from './tokens.ts'

/** Options of `textVectorizer`. */
export interface TextVectorizerOptions {
  /**
   * 'int': ids, for an `embedding`; 'multiHot': for each token of the vocabulary whether the text has it; 'count': how often;
   * 'tfIdf': how often, times log(1 + texts / (1 + texts with the token)). Default 'int'.
   */
  readonly outputMode?: 'int' | 'multiHot' | 'count' | 'tfIdf'
  /** The most tokens of the vocabulary, '' and '[UNK]' included: the most frequent ones stay. Default null: all. */
  readonly maxTokens?: number | null
  /** Number of ids of a text in the mode 'int'. Default null: that of the longest training text. */
  readonly outputSequenceLength?: number | null
  /** Where a shorter text gets zeros. Default 'post': at its end. */
  readonly padding?: 'pre' | 'post'
  /** Where a longer text loses tokens. Default 'post': at its end. */
  readonly truncating?: 'pre' | 'post'
  /**
   * 'word': runs of letters and digits, punctuation left out; each emoji, and each character of Chinese, Japanese, Thai, Lao, Khmer
   * and Burmese, is a token. 'whitespace': whatever stands between blanks. 'character': single characters. Default 'word'.
   */
  readonly split?: 'word' | 'whitespace' | 'character'
  /** Whether capital letters count as small ones. Default true. */
  readonly lowercase?: boolean
  /** The most tokens in a row that make one token more, up to 10: 2 takes pairs of neighbours along. Default 1. */
  readonly ngrams?: number
}

/** What `textVectorizer` has fitted. */
export interface TextVectorizer<X = NamedArray> {
  /**
   * The tokens in the order of their ids, the most frequent first (equally frequent ones sorted). In the mode 'int' '' (padding)
   * is 0 and '[UNK]' (tokens of no training text) is 1; in the other modes '[UNK]' is 0. Its length is the `inputDim` of an embedding.
   */
  readonly vocabulary: readonly string[]
  /** The shape of a text's row, for `sequential({ inputShape })`: [number of ids], or [length of the vocabulary]. */
  readonly inputShape: readonly [number]
  /** The tokens of a text. */
  tokens(text: string): string[]
  /** The texts as input of a model. A text without tokens is a row of zeros. @throws LanegradError naming what isn't a string */
  transform(texts: readonly string[]): X
  /** What `JSON.stringify(vectorizer)` writes; `loadTextVectorizer` makes the same one of it. */
  toJSON(): object
}

const SAVED = 'textVectorizer'
const CHOICES = {
  outputMode: [oneOf('int', 'multiHot', 'count', 'tfIdf'), 'int'],
  padding: [oneOf('pre', 'post'), 'post'],
  truncating: [oneOf('pre', 'post'), 'post'],
  split: [oneOf('word', 'whitespace', 'character'), 'word'],
  lowercase: [BOOLEAN, true],
  ngrams: [number('an integer from 1 to 10', (n) => Number.isInteger(n) && n >= 1 && n <= 10), 1],
} as const

/** Everything that was fitted, as it is saved. */
interface Fitted extends Required<Omit<TextVectorizerOptions, 'maxTokens' | 'outputSequenceLength'>> {
  readonly outputSequenceLength: number
  /** Without '' and '[UNK]'. */
  readonly tokens: readonly string[]
  /** The weights of '[UNK]' and of each token in the mode 'tfIdf'; null otherwise. */
  readonly idf: readonly number[] | null
}

function checkTexts(where: string, texts: readonly string[]): void {
  check(Array.isArray(texts), `${where}: texts`, 'a list of strings', texts)
  for (let row = 0; row < texts.length; row++)
    if (typeof texts[row] !== 'string')
      check(false, `${where}: text ${row}`, "a string ('' where there is none)", texts[row])
}

/**
 * Learns the vocabulary of training texts, and makes numbers of any texts by it: ids, padded or cut to one length, or bags of words.
 * Save the vectorizer beside the model. The tokens are the same in every runtime.
 * @throws LanegradError on an unknown or bad option, on anything but strings, or if no text has a token
 * @example
 * ```js
 * import { textVectorizer } from 'lanegrad/data'
 *
 * const text = textVectorizer(['The cat sat.', 'The dog sat!'])
 * console.log(text.vocabulary) // [ '', '[UNK]', 'sat', 'the', 'cat', 'dog' ]
 * console.log(text.transform(['the owl']).data.join(' ')) // 3 1 0
 * const bag = textVectorizer(['The cat sat.', 'The dog sat!'], { outputMode: 'count' })
 * console.log(bag.transform(['Dog the dog']).data.join(' ')) // 0 0 1 0 2
 * ```
 */
export function textVectorizer(
  texts: readonly string[],
  options: TextVectorizerOptions & { readonly outputMode: 'multiHot' | 'count' | 'tfIdf' },
): TextVectorizer<FloatArray>
export function textVectorizer(texts: readonly string[], options?: TextVectorizerOptions): TextVectorizer
export function textVectorizer(
  texts: readonly string[],
  options: TextVectorizerOptions = {},
): TextVectorizer {
  const where = 'textVectorizer'
  const { maxTokens, outputSequenceLength, ...choices } = readOptions(where, options, {
    maxTokens: [orNull(POSITIVE_INTEGER), null],
    outputSequenceLength: [orNull(POSITIVE_INTEGER), null],
    ...CHOICES,
  })
  return reading(`${where}: its arguments`, () => {
    checkTexts(where, texts)
    const tokensOf = tokenizer(choices.split, choices.lowercase, choices.ngrams)
    const counts = new Map<string, number>()
    const textCounts = new Map<string, number>()
    let longest = 0
    for (const text of texts) {
      const tokens = tokensOf(text)
      longest = Math.max(longest, tokens.length)
      for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1)
      for (const token of new Set(tokens)) textCounts.set(token, (textCounts.get(token) ?? 0) + 1)
    }
    if (longest === 0) fail(`${where}: none of ${texts.length} texts has a token`)
    const specials = choices.outputMode === 'int' ? 2 : 1
    if (maxTokens !== null && maxTokens <= specials)
      fail(
        `${where}: maxTokens must be more than the ${specials} that every vocabulary has; got ${maxTokens}`,
      )
    const kept = [...counts]
      .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      .slice(0, maxTokens === null ? undefined : maxTokens - specials)
      .map(([token]) => token)
    const weights = kept.map((token) => log(1 + texts.length / (1 + (textCounts.get(token) ?? 0))))
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
    return vectorizerOf({
      ...choices,
      outputSequenceLength: outputSequenceLength ?? longest,
      tokens: kept,
      idf: choices.outputMode === 'tfIdf' ? [mean, ...weights] : null,
    })
  })
}

function vectorizerOf(fitted: Fitted): TextVectorizer {
  const { outputMode, outputSequenceLength: length, padding, truncating, tokens, idf } = fitted
  const tokensOf = tokenizer(fitted.split, fitted.lowercase, fitted.ngrams)
  const isInt = outputMode === 'int'
  const vocabulary = [...(isInt ? [''] : []), '[UNK]', ...tokens]
  const unknown = isInt ? 1 : 0
  const ids = new Map(tokens.map((token, i) => [token, unknown + 1 + i]))
  const width = isInt ? length : vocabulary.length
  const idsOf = (text: string) => tokensOf(text).map((token) => ids.get(token) ?? unknown)

  function sequences(texts: readonly string[]): NamedArray {
    const data = new Int32Array(texts.length * width)
    texts.forEach((text, row) => {
      const all = idsOf(text)
      const kept = truncating === 'post' ? all.slice(0, width) : all.slice(-width)
      data.set(kept, row * width + (padding === 'post' ? 0 : width - kept.length))
    })
    return { shape: [texts.length, width], data }
  }

  function bags(texts: readonly string[]): NamedArray {
    const data = new Float32Array(texts.length * width)
    texts.forEach((text, row) => {
      for (const id of idsOf(text)) {
        if (outputMode === 'multiHot') data[row * width + id] = 1
        else data[row * width + id] += 1
      }
    })
    if (idf) for (let i = 0; i < data.length; i++) data[i] *= idf[i % width]
    return { shape: [texts.length, width], data }
  }

  return {
    vocabulary,
    inputShape: [width],
    tokens(text) {
      check(typeof text === 'string', 'textVectorizer.tokens: text', 'a string', text)
      return tokensOf(text)
    },
    transform(texts) {
      const where = 'textVectorizer.transform'
      return reading(`${where}: its arguments`, () => {
        checkTexts(where, texts)
        return isInt ? sequences(texts) : bags(texts)
      })
    },
    toJSON: () => ({ saved: SAVED, ...fitted }),
  }
}

/**
 * A vectorizer again of what `JSON.stringify(vectorizer)` or `vectorizer.toJSON()` gave: it gives the same numbers.
 * @throws LanegradError for anything else
 * @example
 * ```js
 * import { loadTextVectorizer, textVectorizer } from 'lanegrad/data'
 *
 * const json = JSON.stringify(textVectorizer(['good', 'bad good'])) // goes into a file beside the model
 * console.log(loadTextVectorizer(json).transform(['good bad']).data.join(' ')) // 2 3
 * ```
 */
export function loadTextVectorizer<X = NamedArray>(json: string | object): TextVectorizer<X> {
  const where = 'loadTextVectorizer'
  return reading(`${where}: json`, () => {
    const fitted = readOptions(where, readSaved(where, SAVED, json), {
      ...CHOICES,
      outputSequenceLength: POSITIVE_INTEGER,
      tokens: DISTINCT,
      idf: [(x: readonly number[] | null) => x, null],
    })
    const { idf, tokens, outputMode } = fitted
    const isWhole =
      outputMode === 'tfIdf'
        ? Array.isArray(idf) && idf.length === tokens.length + 1 && idf.every(Number.isFinite)
        : idf === null
    check(
      isWhole,
      `${where}: idf`,
      'a number for each token and one more in the mode tfIdf, null in others',
      idf,
    )
    return vectorizerOf(fitted) as unknown as TextVectorizer<X>
  })
}
