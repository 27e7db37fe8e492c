// Holds the net, the pictures and the head. A picture goes through the net once, when it comes or when the net is another one;
// teaching then takes only the head.
import { activation, type FloatArray, type Model, type Symbolic, transfer } from 'lanegrad'
import { imageTensor } from 'lanegrad/data'
import { saveOnnx } from 'lanegrad/onnx'
import { type Head, headLayers, heldBack, type Rows, teach, tell } from './head.ts'
import { cutsOf, eyesOf, type Net, openNet, usualCut } from './nets.ts'
import {
  type Answer,
  type Calls,
  type Check,
  type Lesson,
  type NetInfo,
  type NetSource,
  type Scaling,
  type Square,
  scalings,
} from './protocol.ts'

type Methods = {
  [M in keyof Calls]: (...args: Parameters<Calls[M]>) => ReturnType<Calls[M]> | Promise<ReturnType<Calls[M]>>
}

/** A net in use: cut, and with the head that was taught on it. */
interface Use {
  readonly net: Net
  readonly cut: string
  readonly scaling: Scaling
  readonly eyes: Model<Symbolic>
}

/** A head, and what it was taught with. */
interface Taught {
  readonly ids: readonly number[]
  readonly rows: Rows
  readonly head: Head
}

export class Teacher implements Methods {
  private use: Use | null = null
  private taught: Taught | null = null
  private readonly pictures = new Map<number, Square>()
  private readonly features = new Map<number, Float32Array>()
  private readonly say: (note: string) => void

  /** `say` hears how far a long call is. */
  constructor(say: (note: string) => void) {
    this.say = say
  }

  /** Another net; where it can't be taken, the one before stays. */
  async useNet(source: NetSource): Promise<NetInfo> {
    const net = await openNet(source)
    try {
      return this.cutNet(net, usualCut(net), net.scaling)
    } catch (error) {
      net.model.dispose()
      throw error
    }
  }

  /** The same net, cut elsewhere or given other numbers. */
  async cut(layer: string, scaling: Scaling): Promise<NetInfo> {
    const { net } = await this.ready()
    return this.cutNet(net, layer, scaling)
  }

  private cutNet(net: Net, cut: string, scaling: Scaling): NetInfo {
    const eyes = eyesOf(net, cut)
    const before = this.use
    this.use = { net, cut, scaling, eyes }
    let features: number
    try {
      features = this.look(this.use, { width: 1, height: 1, data: new Uint8ClampedArray(4) }).length
    } catch (error) {
      this.use = before
      eyes.dispose()
      throw error
    }
    before?.eyes.dispose()
    if (before && before.net !== net) before.net.model.dispose()
    this.features.clear()
    this.forget()
    const { name, size, channels, notes, model } = net
    return {
      name,
      size,
      channels,
      notes,
      parameters: model.countParams(),
      layers: cutsOf(net),
      layer: cut,
      scaling,
      features,
    }
  }

  private forget(): void {
    this.taught?.head.model.dispose()
    this.taught = null
  }

  private async ready(): Promise<Use> {
    if (!this.use) await this.useNet(null)
    return this.use as Use
  }

  /** What the net sees in a picture. */
  private look({ net, scaling, eyes }: Use, picture: Square): Float32Array {
    const { size, channels, isPlanar } = net
    const {
      mean,
      std,
      ...rest
    }: { mean?: number | readonly number[]; std?: number | readonly number[]; scale?: number } =
      scalings[scaling].options
    // gray pictures have one mean: the middle one's
    const own = (value: number | readonly number[] | undefined) =>
      typeof value === 'object' && channels === 1 ? value[1] : value
    const tensor = imageTensor(picture, {
      size,
      channels,
      ...rest,
      ...(mean !== undefined && { mean: own(mean) }),
      ...(std !== undefined && { std: own(std) }),
    })
    const row = (eyes.predict(isPlanar ? planar(tensor) : tensor) as FloatArray).data
    return Float32Array.from(row)
  }

  async add(id: number, picture: Square): Promise<void> {
    const use = await this.ready()
    this.pictures.set(id, picture)
    this.features.set(id, this.look(use, picture))
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) {
      this.pictures.delete(id)
      this.features.delete(id)
    }
  }

  async teach(classes: readonly (readonly number[])[]): Promise<Lesson> {
    const use = await this.ready()
    const ids = classes.flat()
    const missing = ids.filter((id) => !this.features.has(id))
    for (const [i, id] of missing.entries()) {
      this.say(`The net looks at picture ${i + 1} of ${missing.length} …`)
      const picture = this.pictures.get(id)
      if (!picture) throw new Error('The worker was started anew, and the pictures are gone: press Reset.')
      this.features.set(id, this.look(use, picture))
    }
    this.say('The head learns …')
    const start = performance.now()
    const features = ids.map((id) => this.features.get(id) as Float32Array)
    const labels = classes.flatMap((own, label) => own.map(() => label))
    const rows = { features, labels, classes: classes.length }
    const head = await teach(rows)
    const ms = performance.now() - start
    this.forget()
    this.taught = { ids, rows, head }
    return { ms, right: tell(head, features).filter((told, i) => told === labels[i]).length }
  }

  private get lesson(): Taught {
    if (!this.taught) throw new Error('Nothing is taught yet.')
    return this.taught
  }

  async check(): Promise<Check | null> {
    if (!this.taught) return null
    const { ids, rows } = this.taught
    const told = await heldBack(rows, (fold, folds) => this.say(`The check: part ${fold + 1} of ${folds} …`))
    return told && ids.map((id, i) => ({ id, told: told[i] }))
  }

  async ask(picture: Square): Promise<Answer> {
    const use = await this.ready()
    const { head } = this.lesson
    const start = performance.now()
    const row = this.look(use, picture)
    const { data } = head.model.predict({ shape: [1, row.length], data: row })
    return { shares: shares(data), ms: performance.now() - start }
  }

  /** Net and head as one model, whose outputs are the shares of the classes. */
  async save(format: 'safetensors' | 'onnx'): Promise<Uint8Array<ArrayBuffer>> {
    const { eyes } = await this.ready()
    const { head } = this.lesson
    const weights = head.model.getWeights()
    const [kernel, bias] = ['kernel', 'bias'].map((name) => {
      const found = Object.keys(weights).find((own) => own.endsWith(`/${name}`))
      return weights[found as string]
    })
    const whole = transfer(eyes, {
      output: eyes.layers.at(-1)?.name ?? '',
      head: [...headLayers(head, bias.data.length), activation({ activation: 'softmax' })],
    })
    try {
      const verdict = whole.layers.at(-2)?.name
      whole.setWeights({ [`${verdict}/kernel`]: kernel, [`${verdict}/bias`]: bias })
      return format === 'onnx' ? saveOnnx(whole) : whole.save()
    } finally {
      whole.dispose()
    }
  }
}

/** All of one color before the next. */
function planar({ shape: [rows, height, width, channels], data }: FloatArray): FloatArray {
  const count = height * width
  const out = Float32Array.from(data, (_, i) => data[(i % count) * channels + Math.floor(i / count)])
  return { shape: [rows, channels, height, width], data: out }
}

/** Softmax. */
function shares(logits: Float32Array): number[] {
  const most = Math.max(...logits)
  const powers = Array.from(logits, (logit) => Math.exp(logit - most))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}
