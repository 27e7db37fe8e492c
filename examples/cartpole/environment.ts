// A pole on a cart, as Barto, Sutton and Anderson (1983) describe it, with the constants, the limits and the reward of
// CartPole-v0 of OpenAI Gym: one point for every step that the pole stands, at most 200.
//
// In:  the state (cart's position and speed, pole's angle and angular speed) and a push to the left (0) or the right (1).
// Out: the next state, and whether the episode is over. Only + - * /, so that episodes are the same on every machine.

import type { Random } from '../shared/random.ts'

export const STEP_LIMIT = 200
/** Cart's position in m, its speed in m/s, pole's angle in rad, its speed in rad/s. */
export type State = readonly [position: number, speed: number, angle: number, spin: number]

const GRAVITY = 9.8 // m/s^2
const CART_MASS = 1 // kg
const POLE_MASS = 0.1 // kg
const HALF_LENGTH = 0.5 // m, of the pole
const PUSH = 10 // N
const STEP_SECONDS = 0.02
const TOTAL_MASS = CART_MASS + POLE_MASS
const POLE_MOMENT = POLE_MASS * HALF_LENGTH

const POSITION_LIMIT = 2.4 // m
const ANGLE_LIMIT = (12 * Math.PI) / 180 // rad

/** A state near the upright one: each of its numbers uniform in [-0.05, 0.05). */
export function startState(random: Random): State {
  const small = () => 0.1 * random() - 0.05
  return [small(), small(), small(), small()]
}

/** Sine and cosine by their Taylor series, good to 1e-15 for the angles of a pole that hasn't fallen. */
export function sineAndCosine(angle: number): [sine: number, cosine: number] {
  const square = angle * angle
  const series = (first: number) => {
    let [term, sum] = [1, 1]
    for (let n = first; n < first + 12; n += 2) {
      term *= -square / (n * (n + 1))
      sum += term
    }
    return sum
  }
  return [angle * series(2), series(1)]
}

/** The state one step of 0.02 s later (Euler's method). */
export function nextState([position, speed, angle, spin]: State, action: number): State {
  const force = action === 1 ? PUSH : -PUSH
  const [sine, cosine] = sineAndCosine(angle)
  const common = (force + POLE_MOMENT * spin * spin * sine) / TOTAL_MASS
  const angular =
    (GRAVITY * sine - cosine * common) / (HALF_LENGTH * (4 / 3 - (POLE_MASS * cosine * cosine) / TOTAL_MASS))
  const linear = common - (POLE_MOMENT * angular * cosine) / TOTAL_MASS
  return [
    position + STEP_SECONDS * speed,
    speed + STEP_SECONDS * linear,
    angle + STEP_SECONDS * spin,
    spin + STEP_SECONDS * angular,
  ]
}

/** Whether the cart has left its track or the pole has fallen. */
export const hasFailed = ([position, , angle]: State): boolean =>
  Math.abs(position) > POSITION_LIMIT || Math.abs(angle) > ANGLE_LIMIT
