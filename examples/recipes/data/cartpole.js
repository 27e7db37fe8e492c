// The cart and the pole of CartPole-v0: a state is the cart's place in m and its speed, the pole's angle in rad and its speed. Only
// + - * / are used, so that games are the same on every machine.

/** A function that gives numbers in [0, 1), the same ones for the same seed. */
export function randomNumbers(seed) {
  let state = seed
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}

/** A pole that stands nearly upright. */
const startState = (random) => [0, 0, 0, 0].map(() => random() / 10 - 0.05)

/** Whether the pole stands and the cart is on its track. */
const stands = ([place, , angle]) => Math.abs(place) < 2.4 && Math.abs(angle) < 0.209

/** The state 0.02 s after a push of 10 N to the right (1) or the left (0). */
function nextState([place, speed, angle, spin], isRight) {
  const square = angle * angle
  const sine = angle * (1 - (square / 6) * (1 - (square / 20) * (1 - square / 42)))
  const cosine = 1 - (square / 2) * (1 - (square / 12) * (1 - square / 30))
  const push = ((isRight ? 10 : -10) + 0.05 * spin * spin * sine) / 1.1
  const turn = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - (0.1 * cosine * cosine) / 1.1))
  const pull = push - (0.05 * turn * cosine) / 1.1
  return [place + 0.02 * speed, speed + 0.02 * pull, angle + 0.02 * spin, spin + 0.02 * turn]
}

/** A game of 200 steps at most: the states, and the push that `policy` chose in each. */
export function play(policy, random) {
  const [states, pushes] = [[], []]
  for (let state = startState(random); stands(state) && states.length < 200; ) {
    states.push(state)
    pushes.push(policy(state))
    state = nextState(state, pushes.at(-1))
  }
  return { states, pushes }
}
