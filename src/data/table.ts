// What a table is: the columns' names and rows of texts.

/** The cells of a CSV file, as strings. */
export interface Table {
  readonly names: readonly string[]
  /** The rows, each with as many strings as there are names. */
  readonly rows: readonly (readonly string[])[]
}
