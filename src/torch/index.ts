// PyTorch's state_dicts: everything a program imports from `lanegrad/torch`.

export type { StateDictNames } from '../interchange/torch/match.ts'
export {
  loadStateDict,
  type SaveStateDictOptions,
  type StateDictOptions,
  saveStateDict,
} from '../interchange/torch/state-dict.ts'
