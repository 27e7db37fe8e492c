// Texts to tokens, by the properties that Unicode gives to characters: no dictionary and nothing of `Intl`, so that every runtime has
// the same tokens. Texts are brought to the form NFKC first: composed and decomposed letters, wide and narrow forms are equal.

/** How a text is cut. */
export type TextSplit = 'word' | 'whitespace' | 'character'

// scripts that put no blanks between words: each of their characters, with its marks, is a token
const ALONE =
  '[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}]'
const PICTURE = '\\p{Extended_Pictographic}\\ufe0f?\\p{Emoji_Modifier}?'
const EMOJI = `\\p{RI}\\p{RI}|${PICTURE}(?:\\u200d${PICTURE})*`
const LETTERS = `(?:(?!${ALONE})[\\p{L}\\p{N}\\p{M}_])+`

const PATTERNS: Readonly<Record<TextSplit, () => RegExp>> = {
  // letters, digits and marks, with apostrophes between them; everything else, punctuation above all, is left out
  word: () => new RegExp(`(?=[\\p{L}\\p{N}])${ALONE}\\p{M}*|${LETTERS}(?:['’]${LETTERS})*|${EMOJI}`, 'gu'),
  whitespace: () => /\S+/gu,
  character: () => new RegExp(`${EMOJI}|\\P{M}\\p{M}*|\\p{M}+`, 'gu'),
}

/** A function that gives the tokens of a text; runs of `ngrams` of them and fewer, with blanks between, follow the single ones. */
export function tokenizer(split: TextSplit, lowercase: boolean, ngrams: number): (text: string) => string[] {
  const pattern = PATTERNS[split]()
  return (text) => {
    const form = text.normalize('NFKC')
    const tokens = (lowercase ? form.toLowerCase() : form).match(pattern) ?? []
    const all: string[] = [...tokens]
    for (let size = 2; size <= ngrams; size++)
      for (let at = 0; at + size <= tokens.length; at++) all.push(tokens.slice(at, at + size).join(' '))
    return all
  }
}
