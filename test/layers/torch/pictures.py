#!/usr/bin/python3
"""Makes pictures.json beside it with PyTorch in float64: merges that broadcast, activations, layers of pictures.
Each case, of two samples: inputs and weights (multiples of 1/256, exact in float32), the output, and the gradients of mean(y^2) by every input
(x1, x2 ...) and every weight. Pictures are [batch, ..., channels] there and [batch, channels, ...] in PyTorch."""
import json, os
import numpy as np, torch
import torch.nn.functional as F
rng = np.random.RandomState(11)
T = lambda *s: torch.tensor(np.round(rng.randn(*s) * 128) / 256)
J = lambda t: {'shape': list(t.shape), 'data': [float(f'{v:.10g}') for v in t.detach().reshape(-1).tolist()]}
out = {}
def case(name, x, weights, f):
    x = [t.clone().requires_grad_() for t in x]
    w = {k: v.clone().requires_grad_() for k, v in weights.items()}
    y = f(*x, **w); (y * y).mean().backward()
    gradients = {**{f'x{i + 1}': J(t.grad) for i, t in enumerate(x)}, **{k: J(v.grad) for k, v in w.items()}}
    out[name] = {'x': [J(t) for t in x], 'weights': {k: J(v) for k, v in w.items()}, 'y': J(y), 'gradients': gradients}
case('multiply cells by channels', [T(2, 3, 4, 5), T(2, 1, 1, 5)], {}, lambda a, b: a * b)
case('add rows and numbers', [T(2, 4), T(2, 1)], {}, lambda a, b: a + b)
case('subtract from fewer axes', [T(2, 5), T(2, 3, 4, 5)], {}, lambda a, b: a[:, None, None] - b)
case('average of three', [T(2, 3, 1, 2), T(2, 1, 4, 2), T(2, 2)], {}, lambda a, b, c: (a + b + c[:, None, None]) / 3)
case('maximum', [T(2, 1, 3), T(2, 4, 1)], {}, torch.maximum)
case('minimum', [T(2, 4, 3), T(2, 1)], {}, lambda a, b: torch.minimum(a, b[:, None]))
apart = T(2, 12) * 8 + 1 / 512  # on neither side of a threshold by chance
case('relu 0.75', [apart], {}, lambda x: torch.clamp(F.relu(x), max=.75))
case('relu slope 0.1', [apart], {}, lambda x: torch.clamp(F.leaky_relu(x, .1), max=2))
case('relu above 1', [apart], {}, lambda x: F.threshold(x, 1, 0))
case('relu of all', [apart], {}, lambda x: torch.where(x > .5, x.clamp(max=3), .25 * (x - .5)))
case('softmax of axis 1', [T(2, 5, 3)], {}, lambda x: F.softmax(x, 1))
case('softmax of axes 1 and 3', [T(2, 3, 2, 4)], {}, lambda x: F.softmax(x.permute(0, 2, 1, 3).reshape(2, 2, 12), -1).reshape(2, 2, 3, 4).permute(0, 2, 1, 3))
case('hard sigmoid of slope 0.2', [apart], {}, lambda x: (np.float64(np.float32(.2)) * x + .5).clamp(0, 1))
case('hard sigmoid', [apart], {}, F.hardsigmoid)
C = lambda t: t.movedim(-1, 1)  # channels behind the batch
L = lambda t: t.movedim(1, -1)  # channels last
pad = lambda t, pairs, value=0.: L(F.pad(C(t), [n for pair in pairs[::-1] for n in pair], value=value))
def average_pool(x, pool, stride, pairs):  # padded cells don't count
    sums = lambda t: F.avg_pool2d(C(pad(t, pairs)), pool, stride, divisor_override=1)
    return L(sums(x) / sums(torch.ones_like(x)))
picture = T(2, 5, 6, 3)
row = T(2, 7, 3)
case('max pooling of 3, padding 1', [picture], {}, lambda x: L(F.max_pool2d(C(x), 3, 2, padding=1)))
case('max pooling, padding on one side', [picture], {}, lambda x: L(F.max_pool2d(C(pad(x, [[2, 0], [0, 1]], -np.inf)), 3, (1, 2))))
case('average pooling of 3, padding 1', [picture], {}, lambda x: L(F.avg_pool2d(C(x), 3, 2, padding=1, count_include_pad=False)))
case('average pooling, padding on one side', [picture], {}, lambda x: average_pool(x, (2, 3), (1, 2), [[1, 0], [0, 2]]))
case('max pooling over steps', [row], {}, lambda x: L(F.max_pool1d(C(x), 4, 3, padding=2)))
case('average pooling of volumes', [T(2, 3, 4, 3, 2)], {}, lambda x: L(F.avg_pool3d(C(x), 2, 2, padding=1, count_include_pad=False)))
case('padding of -1.5', [row], {}, lambda x: pad(x, [[2, 1]], -1.5))
case('padding of 0.25', [picture], {}, lambda x: pad(x, [[1, 0], [2, 1]], .25))
case('padding of 3', [T(2, 2, 1, 3, 2)], {}, lambda x: pad(x, [[1, 1], [0, 2], [1, 0]], 3.))
case('larger volumes', [T(2, 2, 3, 1, 2)], {}, lambda x: L(F.interpolate(C(x), scale_factor=(2, 1, 3), mode='nearest')))
case('larger volumes, trilinear', [T(2, 2, 3, 1, 2)], {}, lambda x: L(F.interpolate(C(x), scale_factor=(2, 3, 2), mode='trilinear')))
def starts(x, sizes):  # pixel o at o n / size, as TensorFlow.js's resizeBilinear
    for axis, size in zip((1, 2), sizes):
        n = x.shape[axis]
        at = np.minimum(np.arange(size) * n / size, n - 1)
        M = torch.zeros(size, n, dtype=torch.float64)
        for o, p in enumerate(at):
            low = int(np.floor(p)); M[o, low] += 1 - (p - low)
            if p > low: M[o, low + 1] += p - low
        x = torch.tensordot(M, x, ([1], [axis])).movedim(0, axis)
    return x
case('larger from the first pixel on', [picture], {}, lambda x: starts(x, (10, 18)))
sized = dict(size=(7, 4))
case('resizing', [picture], {}, lambda x: L(F.interpolate(C(x), mode='bilinear', **sized)))
case('resizing, corners', [picture], {}, lambda x: L(F.interpolate(C(x), mode='bilinear', align_corners=True, **sized)))
case('resizing from the first pixel on', [picture], {}, lambda x: starts(x, (7, 4)))
case('resizing to the nearest', [picture], {}, lambda x: L(F.interpolate(C(x), mode='nearest-exact', **sized)))
case('resizing to the nearest from the first pixel on', [picture], {}, lambda x: L(F.interpolate(C(x), mode='nearest', **sized)))
case('resizing of a square in the middle', [picture], {}, lambda x: L(F.interpolate(C(x[:, :, :5]), size=(3, 3), mode='bilinear')))
case('middle', [picture], {}, lambda x: x[:, 1:3, 1:4])
case('middle of what is too small', [picture], {}, lambda x: L(F.interpolate(C(x[:, 1:3]), size=(3, 7), mode='bilinear')))
K = lambda w: w.permute(-1, -2, *range(w.dim() - 2))  # [k..., a, b] as [b, a, k...]
def transposed(name, x, kernel, **options):
    f = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][x.dim() - 3]
    case(name, [x], {'kernel': kernel, 'bias': T(kernel.shape[-2] * options.get('groups', 1))}, lambda x, kernel, bias: L(f(C(x), K(kernel), bias, **options)))
row, picture = T(2, 4, 6), T(2, 3, 4, 4)
transposed('transposed over steps', row, T(3, 4, 6), stride=2)
transposed('transposed over steps, padding, output padding, dilation', row, T(3, 4, 6), stride=3, padding=2, output_padding=1, dilation=2)
transposed('transposed in groups', picture, T(3, 2, 3, 4), stride=2, padding=1, output_padding=1, groups=2)
transposed('transposed of volumes', T(2, 2, 3, 2, 4), T(2, 3, 2, 1, 4), stride=(1, 2, 2), padding=(0, 1, 0), groups=4)
cropped = lambda start, size: lambda x, kernel, bias: L(F.conv_transpose1d(C(x), K(kernel), bias, stride=2))[:, start:start + size]
for name, start, size in (('same', 0, 8), ('same, output padding 0', 1, 7), ('same, output padding 1', 0, 8)):
    case('transposed, ' + name, [row], {'kernel': T(3, 2, 6), 'bias': T(2)}, cropped(start, size))
case('transposed, valid, output padding 1', [row], {'kernel': T(3, 2, 6), 'bias': T(2)}, lambda x, kernel, bias: L(F.conv_transpose1d(C(x), K(kernel), bias, stride=2, output_padding=1)))
def depthwise(x, kernel, bias, **options):  # kernel [k, C, m]
    k, c, m = kernel.shape
    return L(F.conv1d(C(x), kernel.permute(1, 2, 0).reshape(c * m, 1, k), bias, groups=c, **options))
case('depthwise over steps', [row], {'kernel': T(3, 6, 2), 'bias': T(12)}, lambda x, kernel, bias: depthwise(x, kernel, bias, stride=2, padding=1))
case('depthwise over steps, causal', [row], {'kernel': T(2, 6, 1), 'bias': T(6)}, lambda x, kernel, bias: depthwise(pad(x, [[2, 0]]), kernel, bias, dilation=2))
picture = T(2, 3, 4, 5)
def normalized(x, axes, epsilon, weight, bias=None, mean=True):  # statistics over `axes`; weight and bias broadcast
    m = x.mean(axes, keepdim=True) if mean else 0
    y = (x - m) / torch.sqrt(((x - m) ** 2).mean(axes, keepdim=True) + epsilon) * weight
    return y if bias is None else y + bias
affine = lambda *s: {'gamma': T(*s), 'beta': T(*s)}
case('batch normalization of axis 1', [picture], affine(3), lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, True, eps=.01))
case('batch normalization of axes 1 and 3', [picture], affine(3, 5), lambda x, gamma, beta: normalized(x, (0, 2), .01, gamma[:, None], beta[:, None]))
case('layer normalization of axis 2', [picture], affine(4), lambda x, gamma, beta: normalized(x, (2,), .01, gamma[:, None], beta[:, None]))
case('layer normalization of all axes', [picture], affine(3, 4, 5), lambda x, gamma, beta: F.layer_norm(x, (3, 4, 5), gamma, beta, eps=.01))
case('rms normalization of axes 1 and 3', [picture], {'scale': T(3, 5)}, lambda x, scale: normalized(x, (1, 3), .01, scale[:, None], mean=False))
case('group normalization of axis 1', [T(2, 4, 3, 2)], affine(4), lambda x, gamma, beta: F.group_norm(x, 2, gamma, beta, eps=.01))
case('unit normalization of axes 1 and 2', [picture], {}, lambda x: x / (x * x).sum((1, 2), keepdim=True).sqrt())
case('normalization of axis 1', [T(2, 2, 3)], {}, lambda x: (x - torch.tensor([.5, -1.])[:, None]) / torch.tensor([2., .5])[:, None])
apart = T(2, 2, 3, 4) + 1 / 512
case('prelu of each element', [apart], {'alpha': T(2, 3, 4)}, lambda x, alpha: torch.where(x > 0, x, alpha * x))
case('prelu of channels', [apart], {'alpha': T(1, 1, 4)}, lambda x, alpha: L(F.prelu(C(x), alpha.reshape(4))))
case('prelu of rows', [apart], {'alpha': T(2, 1, 1)}, lambda x, alpha: torch.where(x > 0, x, alpha * x))
json.dump(out, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'pictures.json'), 'w'), separators=(',', ':'))
