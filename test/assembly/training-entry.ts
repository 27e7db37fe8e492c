// The kernels of the training suite by name, and the setter of the arena's header, for tests alone. What the core's
// `prepare` does for kernels that can be split is done at once.
import { JOB_SPLIT } from '../../assembly/abi'
import { splitWork } from '../../assembly/threads'

export { enter } from '../../assembly/arena'
export { clipNorm, clipValue } from '../../assembly/kernels/clip'
export { loss, lossGrad } from '../../assembly/kernels/loss'
export { rareLoss, rareLossGrad } from '../../assembly/kernels/loss-rare'
export { metric } from '../../assembly/kernels/metric'
export { update } from '../../assembly/kernels/optimizer'
export { rareUpdate } from '../../assembly/kernels/optimizer-rare'
export { rmsprop } from '../../assembly/kernels/optimizer-rmsprop'
export { penalty, penaltyGrad } from '../../assembly/kernels/penalty'
export { softmax } from '../../assembly/kernels/softmax'
export { softmaxGrad } from '../../assembly/kernels/softmax-grad'

store<u32>(JOB_SPLIT, splitWork.index)
