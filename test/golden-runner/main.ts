// The program of `npm run golden -- DIR`: command.ts on this process's arguments. npm runs scripts in the project's
// root and keeps the caller's folder in INIT_CWD, where a relative DIR starts.
import { goldenCommand } from './command.ts'

process.exitCode = goldenCommand(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd(), console)
