// Learning by trial and error: a net balances a pole on a cart. It plays, and learns from the best fifth of its games.
import { adam, dense, sequential } from 'lanegrad'
import { play, randomNumbers } from 'lanegrad/recipes/data/cartpole.js'

const random = randomNumbers(1) // for the game above, or one of your own
const layers = [dense({ units: 16, activation: 'tanh' }), dense({ units: 1, activation: 'sigmoid' })]
const model = sequential({ inputShape: [4], layers }) // a state to the probability of a push to the right
model.compile({ optimizer: adam({ learningRate: 0.02 }), loss: 'binaryCrossentropy' })
const policy = (state) => (random() < model.predict([state]).data[0] ? 1 : 0)
for (let round = 1; round <= 10; round++) {
  const games = Array.from({ length: 40 }, () => play(policy, random)) // states and pushes, for 200 steps at most
  const steps = games.reduce((sum, { states }) => sum + states.length, 0)
  console.log(`round ${round}: steps that the pole stood:`, steps / games.length)
  const best = games.sort((a, b) => b.states.length - a.states.length).slice(0, 8)
  const x = best.flatMap(({ states }) => states)
  const y = best.flatMap(({ pushes }) => pushes)
  await model.fit(x, y, { epochs: 10 })
}
