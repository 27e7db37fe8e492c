// Writes a model to one safetensors file, which loading.ts reads. The file holds the weights by name; its metadata hold the
// network, the arguments of `compile` and, by choice, the optimizer's state, so that training goes on bit for bit.

import { encodeSafetensors } from '../formats/safetensors.ts'
import { describe } from '../network/description.ts'
import type { PlannedSession } from '../network/planned.ts'
import type { NamedArray } from '../numerics/tensor.ts'
import { saveState } from '../session/state.ts'
import { type MetricLike, savedMetric } from '../training/metrics.ts'

export const FORMAT = 'lanegrad/1'

const savedMetrics = (key: string, value: unknown): unknown =>
  key === 'metrics' || key === 'weightedMetrics' ? (value as MetricLike[]).map(savedMetric) : value

/** The file of a model; `tensors` and `more` metadata go along. */
export function saveSession(
  session: PlannedSession,
  includeOptimizer: boolean,
  tensors = new Map<string, NamedArray>(),
  more: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const { training, network, seed } = session
  for (const spec of session.outline.parameters) tensors.set(spec.name, session.readWeight(spec))
  const metadata: Record<string, string> = {
    format: FORMAT,
    network: JSON.stringify(describe(network)),
    seed: String(seed),
    ...more,
  }
  if (training) metadata.training = JSON.stringify(training, savedMetrics)
  if (training && includeOptimizer) metadata.optimizerState = saveState(session, tensors)
  return encodeSafetensors(tensors, metadata)
}
