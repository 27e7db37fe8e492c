// The net that is always there: no training, no file. It looks for edges in eight directions and for colors, in sixteen fields
// of a picture, in its quarters and in the whole: enough to tell things that differ in color, outline or place.
import {
  averagePooling2d,
  concatenate,
  conv2d,
  flatten,
  input,
  type Model,
  model,
  type Symbolic,
} from 'lanegrad'

const SIDE = 64
const FIELDS = [16, 32, 64]
/** Shares of red, green and blue in the brightness, as in JPEG. */
const BRIGHTNESS = [0.299, 0.587, 0.114]
/** Sobel's edge from dark on the left to bright on the right, and the one from the lower left to the upper right. */
const EDGES = [
  [-1, 0, 1, -2, 0, 2, -1, 0, 1],
  [0, 1, 2, -1, 0, 1, -2, -1, 0],
]

/** A 3 x 3 window turned by a quarter. */
const turned = (window: readonly number[]) =>
  window.map((_, i) => window[(i % 3) * 3 + 2 - Math.floor(i / 3)])

export function builtinNet(): Model<Symbolic> {
  const windows = EDGES.flatMap((edge) => {
    const list = [edge]
    for (let i = 1; i < 4; i++) list.push(turned(list[i - 1]))
    return list
  })
  const picture = input({ shape: [SIDE, SIDE, 3], name: 'picture' })
  const edges = conv2d({
    name: 'edges',
    filters: windows.length,
    kernelSize: 3,
    padding: 'valid',
    activation: 'relu',
    useBias: false,
  })(picture)
  // a window lies within its field, so it has no place at the field's border
  const means = (value: Symbolic, border: number) =>
    FIELDS.map((side) => flatten()(averagePooling2d({ poolSize: side - border, strides: side })(value)))
  const outputs = concatenate({ name: 'edges_and_colors' })([...means(edges, 2), ...means(picture, 0)])
  const net = model({ inputs: picture, outputs })
  const kernel = new Float32Array(9 * 3 * windows.length)
  windows.forEach((window, filter) => {
    window.forEach((value, place) => {
      for (const [channel, share] of BRIGHTNESS.entries())
        kernel[(place * 3 + channel) * windows.length + filter] = value * share
    })
  })
  net.setWeights({ 'edges/kernel': { shape: [3, 3, 3, windows.length], data: kernel } })
  return net
}
