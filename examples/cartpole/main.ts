// A pole on a cart: a network learns by trial and error which way to push, with nobody to tell it the right push. It plays
// some episodes, makes the pushes likelier that were followed by more reward than others, and plays again.
//
// In:  the command line (`npm run example -- cartpole --help`). Out: a report on stdout; the last lines tell after how many
//      episodes the task is solved as Gym defines it for CartPole-v0, a mean reward of 195 over 100 episodes in a row, and the
//      mean reward of new episodes.
// Ctrl-C ends training early; what was learned so far is still tested.

import { Command } from 'commander'
import { adam, dense, type Model, type Symbolic, sequential } from 'lanegrad'
import { watchLoop } from '../shared/loop.ts'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { type Random, seededRandom } from '../shared/random.ts'
import { grouped, print, runExample } from '../shared/run.ts'
import { hasFailed, nextState, STEP_LIMIT, type State, startState } from './environment.ts'
import { advantages, policyGradient, TRUTH_SIZE } from './policy.ts'

interface Options {
  episodes: number
  perUpdate: number
  units: number
  learningRate: number
  discount: number
  seed: number
}

const SOLVED_REWARD = 195
const SOLVED_EPISODES = 100
const STATE_SIZE = 4

interface Episode {
  readonly states: readonly State[]
  readonly pushes: readonly number[]
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length

/** Plays one episode: pushes are drawn by their probabilities, or, where `isSure`, the likelier one is made. */
function play(model: Model<Symbolic>, random: Random, isSure: boolean): Episode {
  const states: State[] = []
  const pushes: number[] = []
  const row = new Float32Array(STATE_SIZE)
  let state = startState(random)
  while (states.length < STEP_LIMIT && !hasFailed(state)) {
    row.set(state)
    const push = model.predict(row).data[1] > (isSure ? 0.5 : random()) ? 1 : 0
    states.push(state)
    pushes.push(push)
    state = nextState(state, push)
  }
  return { states, pushes }
}

async function run({ episodes, perUpdate, units, learningRate, discount, seed }: Options): Promise<void> {
  // 1. The policy: from a state to the probabilities of both pushes.
  const model = sequential({
    inputShape: [STATE_SIZE],
    layers: [dense({ units, activation: 'tanh' }), dense({ units: 2, activation: 'softmax' })],
    seed,
  })
  model.compile({ optimizer: adam({ learningRate }), loss: policyGradient })
  print(
    `${STATE_SIZE}-${units}-2 policy, ${grouped(model.countParams())} parameters; ` +
      `an update after every ${perUpdate} episodes, adam ${learningRate}\n`,
  )

  // 2. Training. A batch always has room for the longest episodes; the rows behind the played ones have advantage 0.
  const random = seededRandom(seed)
  const x = new Float32Array(perUpdate * STEP_LIMIT * STATE_SIZE)
  const y = new Float32Array(perUpdate * STEP_LIMIT * TRUTH_SIZE)
  const rewards: number[] = []
  const latest = () => rewards.slice(-SOLVED_EPISODES)
  const isSolved = () => rewards.length >= SOLVED_EPISODES && mean(latest()) >= SOLVED_REWARD
  const updatesPerRound = Math.max(1, Math.round(SOLVED_EPISODES / perUpdate))
  await watchLoop({
    title: 'round',
    unit: 'episodes',
    epochs: Math.ceil(episodes / (updatesPerRound * perUpdate)),
    steps: updatesPerRound,
    batchSize: perUpdate,
    isDone: () => isSolved() || rewards.length >= episodes,
    step() {
      const played = Array.from({ length: perUpdate }, () => play(model, random, false))
      const lengths = played.map(({ states }) => states.length)
      const worth = advantages(lengths, discount)
      x.fill(0).set(played.flatMap(({ states }) => states).flat())
      y.fill(0)
      for (const [i, push] of played.flatMap(({ pushes }) => pushes).entries())
        y.set([1 - push, push, worth[i]], i * TRUTH_SIZE)
      model.trainStep(x, y)
      rewards.push(...lengths)
      return { reward: mean(lengths) }
    },
  })

  // 3. The report.
  const reached = `mean reward ${mean(latest()).toFixed(1)} of the last ${latest().length} of ${grouped(rewards.length)} episodes`
  print(`\n${isSolved() ? 'solved' : 'not solved'}: ${reached}`)
  const tests = Array.from({ length: SOLVED_EPISODES }, () => play(model, random, true).states.length)
  print(
    `mean reward of ${tests.length} new episodes, the likelier push made: ${mean(tests).toFixed(1)} of ${STEP_LIMIT}`,
  )
  model.dispose()
}

const command = new Command('npm run example -- cartpole')
  .description('Learns to balance a pole on a cart by trial and error, with a policy gradient.')
  .option('--episodes <n>', 'how many to play at most', positiveInteger, 3000)
  .option('--per-update <n>', 'episodes that an update learns from', positiveInteger, 10)
  .option('--units <n>', 'units of the hidden layer', positiveInteger, 32)
  .option('--learning-rate <rate>', 'size of a step', positiveNumber, 0.02)
  .option('--discount <share>', 'what a reward counts one step later', positiveNumber, 0.99)
  .option('--seed <n>', 'governs initial weights, starts and pushes', wholeNumber, 42)
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
