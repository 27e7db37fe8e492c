#!/usr/bin/python3
"""Makes pictures.json beside it with PyTorch in float64: merges that broadcast, activations, layers of pictures.
Each case: inputs and weights (multiples of 1/256, exact in float32), the output, and the gradients of mean(y^2) by every input
(x1, x2 ...) and every weight. Pictures are [batch, ..., channels] there and [batch, channels, ...] in PyTorch."""
import json, os
import numpy as np, torch
import torch.nn.functional as F
rng = np.random.RandomState(11)
T = lambda *s: torch.tensor(np.round(rng.randn(*s) * 128) / 256)
J = lambda t: {'shape': list(t.shape), 'data': t.detach().reshape(-1).tolist()}
out = {}
def case(name, x, weights, f):
    x = [t.clone().requires_grad_() for t in x]
    w = {k: v.clone().requires_grad_() for k, v in weights.items()}
    y = f(*x, **w); (y * y).mean().backward()
    gradients = {**{f'x{i + 1}': J(t.grad) for i, t in enumerate(x)}, **{k: J(v.grad) for k, v in w.items()}}
    out[name] = {'x': [J(t) for t in x], 'weights': {k: J(v) for k, v in w.items()}, 'y': J(y), 'gradients': gradients}
case('multiply cells by channels', [T(2, 3, 4, 5), T(2, 1, 1, 5)], {}, lambda a, b: a * b)
case('add rows and numbers', [T(3, 4), T(3, 1)], {}, lambda a, b: a + b)
case('subtract from fewer axes', [T(2, 5), T(2, 3, 4, 5)], {}, lambda a, b: a[:, None, None] - b)
case('average of three', [T(2, 3, 1, 2), T(2, 1, 4, 2), T(2, 2)], {}, lambda a, b, c: (a + b + c[:, None, None]) / 3)
case('maximum', [T(2, 1, 3), T(2, 4, 1)], {}, torch.maximum)
case('minimum', [T(2, 4, 3), T(2, 1)], {}, lambda a, b: torch.minimum(a, b[:, None]))
apart = T(4, 6) * 8 + 1 / 512  # on neither side of a threshold by chance
case('relu 0.75', [apart], {}, lambda x: torch.clamp(F.relu(x), max=.75))
case('relu slope 0.1', [apart], {}, lambda x: torch.clamp(F.leaky_relu(x, .1), max=2))
case('relu above 1', [apart], {}, lambda x: F.threshold(x, 1, 0))
case('relu of all', [apart], {}, lambda x: torch.where(x > .5, x.clamp(max=3), .25 * (x - .5)))
case('softmax of axis 1', [T(2, 5, 3)], {}, lambda x: F.softmax(x, 1))
case('softmax of axes 1 and 3', [T(2, 3, 2, 4)], {}, lambda x: F.softmax(x.permute(0, 2, 1, 3).reshape(2, 2, 12), -1).reshape(2, 2, 3, 4).permute(0, 2, 1, 3))
case('hard sigmoid of slope 0.2', [apart], {}, lambda x: (np.float64(np.float32(.2)) * x + .5).clamp(0, 1))
case('hard sigmoid', [apart], {}, F.hardsigmoid)
json.dump(out, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'pictures.json'), 'w'), separators=(',', ':'))
