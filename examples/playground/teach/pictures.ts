// Pictures on their way in: files, what is dropped, frames of the camera. Leaves: squares of one size, cut from the middle.
import { h } from '../lib/dom.ts'
import type { Square } from './protocol.ts'

const SIDE = 256
const THUMB = 64
/** Files of dropped folders; beyond, nothing is read. */
const MOST_FILES = 2000

const board = new OffscreenCanvas(SIDE, SIDE)
const pen = board.getContext('2d', { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D
pen.imageSmoothingQuality = 'high'

/** The middle of anything that can be drawn. */
export function squareOf(source: CanvasImageSource, width: number, height: number): Square {
  const side = Math.min(width, height)
  pen.clearRect(0, 0, SIDE, SIDE)
  pen.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE)
  return pen.getImageData(0, 0, SIDE, SIDE)
}

/** @throws Error in words for the visitor */
export async function readPicture(file: File): Promise<Square> {
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(file)
  } catch {
    throw new Error(`${file.name} can’t be read as a picture.`)
  }
  const square = squareOf(bitmap, bitmap.width, bitmap.height)
  bitmap.close()
  return square
}

/** A small canvas of a square, or of a larger one for `side`. */
export function thumbnail(square: Square, side = THUMB): HTMLCanvasElement {
  const canvas = h('canvas', { width: side, height: side })
  pen.putImageData(new ImageData(square.data, square.width, square.height), 0, 0)
  const context = canvas.getContext('2d') as CanvasRenderingContext2D
  context.imageSmoothingQuality = 'high'
  context.drawImage(board, 0, 0, side, side)
  return canvas
}

const parted = (entry: FileSystemDirectoryEntry): (() => Promise<FileSystemEntry[]>) => {
  const reader = entry.createReader()
  return () => new Promise((resolve, reject) => reader.readEntries(resolve, reject))
}

async function filesOf(entry: FileSystemEntry, files: File[]): Promise<void> {
  if (files.length >= MOST_FILES) return
  if (entry.isFile) {
    files.push(await new Promise((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)))
    return
  }
  const next = parted(entry as FileSystemDirectoryEntry)
  for (let part = await next(); part.length > 0; part = await next())
    for (const inner of part) await filesOf(inner, files)
}

/** What is dropped on an element, folders with all that is in them. */
export function acceptDrops(element: HTMLElement, onFiles: (files: File[]) => void): void {
  let depth = 0
  const mark = (by: number) => {
    depth = Math.max(0, depth + by)
    element.classList.toggle('over', depth > 0)
  }
  element.addEventListener('dragenter', () => mark(1))
  element.addEventListener('dragleave', () => mark(-1))
  element.addEventListener('dragover', (event) => event.preventDefault())
  element.addEventListener('drop', async (event) => {
    event.preventDefault()
    mark(-depth)
    const { items, files } = event.dataTransfer as DataTransfer
    const entries = [...items].map((item) => item.webkitGetAsEntry?.() ?? null)
    if (!entries.some((entry) => entry?.isDirectory)) return onFiles([...files])
    const found: File[] = []
    for (const entry of entries) if (entry) await filesOf(entry, found)
    onFiles(found)
  })
}

/** A button that lets the visitor choose files. */
export function fileButton(
  text: string,
  label: string,
  { accept, isMany }: { accept: string; isMany: boolean },
  onFiles: (files: File[]) => void,
): HTMLElement {
  const field = h('input', {
    type: 'file',
    accept,
    multiple: isMany,
    hidden: true,
    'aria-label': label,
    onchange: () => {
      const files = [...(field.files ?? [])]
      field.value = '' // the same file can be chosen again
      if (files.length > 0) onFiles(files)
    },
  })
  const press = h('button', { type: 'button', 'aria-label': label, onclick: () => field.click() }, text)
  return h('span', {}, press, field)
}
