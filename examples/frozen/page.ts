// The page's script: two classes of points, a frozen net that learns to tell them apart, and the plane as it sees it.
//
// In:  the frozen file, inside of the script. Out: what the canvas shows, step for step. A tap moves a cluster of points there.

import { open } from 'lanegrad/slim/run'
import { core, file } from 'net.safetensors'
import { CELLS, POINTS, SIDE } from './sizes.ts'

/** Steps between two pictures. */
const STEPS = 8
/** Points that a tap moves. */
const MOVED = 12

const find = <T extends Element>(selector: string): T => document.querySelector<T>(selector) as T
const canvas = find<HTMLCanvasElement>('canvas')
const context = canvas.getContext('2d') as CanvasRenderingContext2D
const told = find('output')
const play = find<HTMLButtonElement>('#play')

const trainer = open(file, { core })
const start = trainer.getWeights()

const x = new Float32Array(2 * POINTS)
const y = new Float32Array(POINTS)
/** The middle of each cell, in [-1, 1]. */
const cells = Float32Array.from(
  { length: 2 * CELLS },
  (_, i) => ((i % 2 === 0 ? (i >> 1) % SIDE : Math.floor((i >> 1) / SIDE)) * 2 + 1) / SIDE - 1,
)

let steps = 0
let isRunning = true
let next = 0

/** Two spirals, one of each class, a little apart. */
function spirals(): void {
  for (let i = 0; i < POINTS; i++) {
    const along = Math.floor(i / 2) / (POINTS / 2)
    const turn = 4.6 * along + (i % 2) * Math.PI
    const radius = 0.12 + 0.78 * along
    x.set([radius * Math.cos(turn), radius * Math.sin(turn)], 2 * i)
    y[i] = i % 2
  }
}

function restart(): void {
  spirals()
  trainer.setWeights(start)
  steps = 0
}

const color = (name: string): string => getComputedStyle(canvas).getPropertyValue(name).trim()

function draw(loss: number): void {
  const size = canvas.width
  const { data } = trainer.predict(cells) as { data: Float32Array }
  const cell = size / SIDE
  context.globalAlpha = 1
  context.fillStyle = color('--card')
  context.fillRect(0, 0, size, size)
  data.forEach((probability, i) => {
    context.globalAlpha = Math.abs(probability - 0.5) * 1.1
    context.fillStyle = color(probability > 0.5 ? '--orange' : '--blue')
    const [column, row] = [i % SIDE, Math.floor(i / SIDE)]
    context.fillRect(column * cell, row * cell, cell, cell)
  })
  context.globalAlpha = 1
  context.lineWidth = size / 300
  context.strokeStyle = color('--card')
  for (let i = 0; i < POINTS; i++) {
    context.beginPath()
    context.arc(((x[2 * i] + 1) * size) / 2, ((x[2 * i + 1] + 1) * size) / 2, size / 75, 0, 7)
    context.fillStyle = color(y[i] > 0.5 ? '--orange' : '--blue')
    context.fill()
    context.stroke()
  }
  told.textContent = `step ${steps}, loss ${loss.toFixed(3)}`
}

function frame(): void {
  if (!isRunning) return
  let loss = 0
  for (let i = 0; i < STEPS; i++, steps++) loss = trainer.trainStep(x, y).loss
  draw(loss)
  requestAnimationFrame(frame)
}

/** A cluster of the class that is chosen, around a place in [-1, 1]; the points that moved longest ago make it. */
function move(centerX: number, centerY: number): void {
  const label = Number(find<HTMLInputElement>('input:checked').value)
  for (let i = 0; i < MOVED; i++, next = (next + 1) % POINTS) {
    const turn = (i / MOVED) * 2 * Math.PI
    const radius = i % 2 === 0 ? 0.05 : 0.1
    x.set([centerX + radius * Math.cos(turn), centerY + radius * Math.sin(turn)], 2 * next)
    y[next] = label
  }
}

canvas.addEventListener('pointerdown', (event) => {
  const { left, top, width, height } = canvas.getBoundingClientRect()
  move(((event.clientX - left) / width) * 2 - 1, ((event.clientY - top) / height) * 2 - 1)
})
play.addEventListener('click', () => {
  isRunning = !isRunning
  play.textContent = isRunning ? 'Pause' : 'Go on'
  if (isRunning) frame()
})
find('#restart').addEventListener('click', restart)

restart()
frame()
