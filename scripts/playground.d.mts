// What of playground.mjs a test may use.
import type { Server } from 'node:http'

export function buildPlayground(folder?: string): Promise<string>
export function pageBytes(folder: string): number
export function teachBytes(folder: string): number
export function serve(folder: string, port: number): Promise<{ server: Server; address: string }>
