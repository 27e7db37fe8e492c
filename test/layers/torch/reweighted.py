#!/usr/bin/python3
"""Makes reweighted.json beside it with PyTorch in float64: layers whose kernels or attention PyTorch computes as well.
Each case: weights and input (multiples of 1/256, exact in float32), output, the gradient of mean(y^2) by every trained weight,
and for spectral normalization output and vectors after two training steps of sgd(0.125)."""
import json, math, os
import numpy as np, torch
import torch.nn.functional as F
rng = np.random.RandomState(7)
T = lambda *s: torch.tensor(np.round(rng.randn(*s) * 128) / 256)
J = lambda t: {'shape': list(t.shape), 'data': t.detach().reshape(-1).tolist()}
out = {}
def case(name, x, weights, f, trained):
    leaves = {k: v.clone().requires_grad_(k in trained) for k, v in weights.items()}
    y = f(leaves); (y * y).mean().backward()
    out[name] = {'x': [J(t) for t in x], 'weights': {k: J(v) for k, v in weights.items()}, 'y': J(y), 'gradients': {k: J(leaves[k].grad) for k in trained}}
x = T(3, 5)
W = {'kernel': T(5, 4), 'bias': T(4), 'kernel_lora_a': T(5, 2), 'kernel_lora_b': T(2, 4)}
case('lora dense', [x], W, lambda w: F.linear(x, w['kernel'].t(), w['bias']) + (x @ w['kernel_lora_a'] @ w['kernel_lora_b']) * (3 / 2), ['kernel_lora_a', 'kernel_lora_b'])
xi = T(2, 5, 5, 3)
C = {'kernel': T(3, 3, 3, 4), 'bias': T(4), 'kernel_lora_a': T(27, 2), 'kernel_lora_b': T(2, 4)}
def conv(w):
    n = xi.permute(0, 3, 1, 2)
    y = F.conv2d(n, w['kernel'].permute(3, 2, 0, 1), w['bias'])
    a = w['kernel_lora_a'].reshape(3, 3, 3, 2).permute(3, 2, 0, 1)  # down: a convolution to 2 channels; up: 1 by 1, as PEFT does
    return (y + F.conv2d(F.conv2d(n, a), w['kernel_lora_b'].t()[:, :, None, None]) * 1.5).permute(0, 2, 3, 1)
case('lora conv2d', [xi], C, conv, ['kernel_lora_a', 'kernel_lora_b'])
def rot(q, inter):  # [B,T,H,K], in complex numbers
    t, n = q.shape[1], q.shape[3] // 2
    ang = torch.arange(t, dtype=torch.float64)[:, None] / 10000 ** (torch.arange(n, dtype=torch.float64) / n)
    z = torch.complex(q[..., 0::2], q[..., 1::2]) if inter else torch.complex(q[..., :n], q[..., n:])
    z = z * torch.polar(torch.ones_like(ang), ang)[None, :, None]
    return torch.stack([z.real, z.imag], -1).flatten(-2) if inter else torch.cat([z.real, z.imag], -1)
xs = T(2, 5, 6)
for inter in (False, True):
    G = {'wq': T(6, 16), 'wk': T(6, 8), 'wv': T(6, 8), 'wo': T(16, 6), 'bq': T(16), 'bk': T(8), 'bv': T(8), 'bo': T(6)}
    def gqa(w):
        q, k, v = [(xs @ w['w' + n] + w['b' + n]).reshape(2, 5, -1, 4) for n in 'qkv']
        q, k = rot(q, inter), rot(k, inter)
        q, k, v = q.transpose(1, 2), k.repeat_interleave(2, 2).transpose(1, 2), v.repeat_interleave(2, 2).transpose(1, 2)
        s = (q @ k.transpose(2, 3) / 2).masked_fill(torch.ones(5, 5, dtype=torch.bool).triu(1), -math.inf)
        return (F.softmax(s, -1) @ v).transpose(1, 2).reshape(2, 5, 16) @ w['wo'] + w['bo']
    case('grouped rotary ' + ('interleaved' if inter else 'halves'), [xs], G, gqa, list(G))
q, v = T(2, 3, 4), T(2, 5, 4)
seen = torch.ones(3, 5, dtype=torch.bool).triu(1)
case('attention', [q, v], {'scale': T(1)}, lambda w: F.softmax((q @ v.transpose(1, 2) * w['scale']).masked_fill(seen, -math.inf), -1) @ v, ['scale'])
case('attention concat', [q, v], {'concat_score_weight': T(1)}, lambda w: F.softmax(torch.tanh(q[:, :, None] + v[:, None]).sum(-1) * w['concat_score_weight'], -1) @ v, ['concat_score_weight'])
case('additive', [q, v], {'scale': T(4)}, lambda w: F.softmax((torch.tanh(q[:, :, None] + v[:, None]) * w['scale']).sum(-1), -1) @ v, ['scale'])
for eq, ks, bs in (('abc,cde->abde', (6, 2, 3), (2, 3)), ('abc,bcd->abd', (5, 6, 2), (2,)), ('abc,cd->adb', (6, 2), (2, 1))):
    case('einsum ' + eq, [xs], {'kernel': T(*ks), 'bias': T(*[n for n in bs if n > 1])}, lambda w: torch.einsum(eq, xs, w['kernel']) + w['bias'].reshape(bs), ['kernel', 'bias'])
wn = torch.nn.utils.weight_norm(torch.nn.Linear(5, 4).double())
N = {'kernel': T(5, 4), 'kernel_g': T(4), 'bias': T(4)}
case('weight norm', [x], N, lambda w: F.linear(x, torch._weight_norm(w['kernel'].t(), w['kernel_g'][:, None], 0), w['bias']), list(N))
lin = torch.nn.Linear(5, 4).double()
S = {'kernel': T(5, 4), 'bias': T(4)}
with torch.no_grad(): lin.weight.copy_(S['kernel'].t()); lin.bias.copy_(S['bias'])
torch.manual_seed(1); torch.nn.utils.parametrizations.spectral_norm(lin)
p = lin.parametrizations.weight[0]
start = {**S, 'kernel_u': p._u.clone()[None], 'kernel_v': p._v.clone()[None]}
opt = torch.optim.SGD(lin.parameters(), lr=.125)
for _ in range(2): opt.zero_grad(); (lin(x) ** 2).mean().backward(); opt.step()
lin.eval()
out['spectral norm'] = {'x': [J(x)], 'weights': {k: J(t) for k, t in start.items()}, 'after': {k: J(t) for k, t in {'kernel': lin.parametrizations.weight.original.t(), 'bias': lin.bias, 'kernel_u': p._u[None], 'kernel_v': p._v[None]}.items()}, 'y': J(lin(x))}
json.dump(out, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'reweighted.json'), 'w'), separators=(',', ':'))
