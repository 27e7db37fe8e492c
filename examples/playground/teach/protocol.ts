// What the page and its worker say to each other: a call by the name of a method of Teacher, and its answer. The worker
// answers calls one after another; between them come notes on how far it is.

/** A picture as it is kept: a square of RGBA bytes. */
export interface Square {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray<ArrayBuffer>
}

/** Where a net comes from; null: the built-in one. */
export type NetSource = null | { readonly files: readonly File[] } | { readonly address: string }

/** How bytes become the numbers a net reads. */
export const scalings = {
  unit: { text: '0 to 1', options: {} },
  signed: { text: '−1 to 1', options: { scale: 1 / 127.5, mean: 1 } },
  bytes: { text: '0 to 255', options: { scale: 1 } },
  imagenet: {
    text: 'ImageNet’s mean and spread',
    options: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  },
} as const
export type Scaling = keyof typeof scalings

export interface NetInfo {
  /** The name of a file, or an address; empty for the built-in net. */
  readonly name: string
  readonly size: readonly [height: number, width: number]
  readonly channels: 1 | 3
  readonly parameters: number
  /** Layers whose output the head can get: name to a text with kind and shape. */
  readonly layers: Readonly<Record<string, string>>
  readonly layer: string
  readonly scaling: Scaling
  /** How many numbers the head gets of a picture. */
  readonly features: number
  /** What the import had to change. */
  readonly notes: readonly string[]
}

/** What came of teaching. */
export interface Lesson {
  readonly ms: number
  /** How many of the pictures the head tells that has learned from them. */
  readonly right: number
}

/** Each picture, and the class that a head took it for that hadn't learned from it. */
export type Check = readonly { readonly id: number; readonly told: number }[]

export interface Answer {
  /** One for each class taught. */
  readonly shares: readonly number[]
  readonly ms: number
}

/** The methods of Teacher that the page calls. */
export interface Calls {
  useNet(source: NetSource): NetInfo
  cut(layer: string, scaling: Scaling): NetInfo
  add(id: number, picture: Square): void
  remove(ids: readonly number[]): void
  /** The pictures of each class. */
  teach(classes: readonly (readonly number[])[]): Lesson
  /** Null where a class has one picture alone, or the head is gone by now. */
  check(): Check | null
  ask(picture: Square): Answer
  save(format: 'safetensors' | 'onnx'): Uint8Array<ArrayBuffer>
}

export interface Call {
  readonly id: number
  readonly method: keyof Calls
  readonly args: readonly unknown[]
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly problem: string }
  | { readonly note: string }
