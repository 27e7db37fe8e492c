// `npx lanegrad`: reads the command, prints its answer. A fault that the user can mend is one line on stderr and exit code 1.
import { fail, LanegradError, show } from '../numerics/errors.ts'
import { packageText } from './command.ts'
import { convertCommand } from './convert.ts'
import { freezeCommand } from './freeze.ts'
import { inspectCommand } from './inspect.ts'
import { torchCommand } from './torch.ts'

const HELP = `Usage: lanegrad COMMAND [options]

Commands:
  convert INPUT OUTPUT    makes a file of TensorFlow.js, Keras, ONNX or lanegrad
                          of another one
  freeze FILE -o OUTPUT   writes what a saved model needs to train and predict
                          without the library, as a file or a script
  inspect FILE            shows the layers, programs, memory and sizes of a
                          saved or frozen file, or of one that convert reads
  torch FILE              copies the Python files that train a saved model in
                          PyTorch, and prints the commands

Options:
  -h, --help              show this; lanegrad COMMAND --help tells of a command
  -v, --version           show the version

Examples:
  lanegrad freeze model.safetensors --train 32 --predict 1,32 -o trainer.js
  lanegrad convert model.json model.safetensors
  lanegrad inspect model.safetensors
`

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<string>>> = {
  convert: convertCommand,
  freeze: freezeCommand,
  inspect: inspectCommand,
  torch: torchCommand,
}

async function answer([command, ...args]: readonly string[]): Promise<string> {
  if (command === undefined || command === '-h' || command === '--help') return HELP
  if (command === '-v' || command === '--version')
    return `${JSON.parse(packageText('../package.json')).version}\n`
  const names = Object.keys(COMMANDS)
  if (!names.includes(command))
    fail(`no command ${show(command)}: there are ${names.join(', ')} (lanegrad --help tells more)`)
  return COMMANDS[command](args)
}

process.stdout.on('error', (error: Error & { code?: string }) => {
  if (error.code !== 'EPIPE') throw error
  process.exit() // the reader (`| head`) has seen enough
})
try {
  process.stdout.write(await answer(process.argv.slice(2)))
} catch (error) {
  // anything else is a defect, and shows its stack
  if (!(error instanceof LanegradError)) throw error
  process.stderr.write(`lanegrad: ${error.message.replaceAll('\n', ' ')}\n`)
  process.exitCode = 1
}
