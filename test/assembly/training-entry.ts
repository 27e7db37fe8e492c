// The kernels of the training suite by name, and the setter of the arena's header, for tests alone.
export { enter } from '../../assembly/arena'
export { clipNorm, clipValue } from '../../assembly/kernels/clip'
export { loss, lossGrad } from '../../assembly/kernels/loss'
export { metric } from '../../assembly/kernels/metric'
export { update } from '../../assembly/kernels/optimizer'
export { penalty, penaltyGrad } from '../../assembly/kernels/penalty'
export { softmax, softmaxGrad } from '../../assembly/kernels/softmax'
