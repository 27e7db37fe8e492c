// Models that a page keeps: in its IndexedDB, and as files of its visitor. Everything a program imports from `lanegrad/browser`.
export { download, loadBlob, upload } from './files.ts'
export { type KeepOptions, listSaved, loadFrom, removeSaved, type SavedModel, saveTo } from './store.ts'
