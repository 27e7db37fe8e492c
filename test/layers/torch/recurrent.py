#!/usr/bin/python3
"""Makes recurrent.json beside it with PyTorch in float64. convLstm1d and convLstm3d from conv1d and conv3d: outputs and the
gradients of mean(y^2). Stateful lstm, gru and simpleRnn: three batches one after the other through torch.nn's layers, each from
the states of the one before; outputs, and weights after three steps of sgd(0.125) with the loss mean(y^2), whose gradients stop at
the states. Weights and inputs are multiples of 1/256, exact in float32."""
import json, os
import numpy as np, torch
import torch.nn.functional as F
rng = np.random.RandomState(11)
T = lambda *s: torch.tensor(np.round(rng.randn(*s) * 128) / 256)
J = lambda t: {'shape': list(t.shape), 'data': t.detach().reshape(-1).tolist()}
out = {'convLstm': {}, 'stateful': {}}
def first(x): return x.permute(0, x.dim() - 1, *range(1, x.dim() - 1))  # channels first
def last(x): return x.permute(0, *range(2, x.dim()), 1)
def kernel_of(k): return k.permute(k.dim() - 1, k.dim() - 2, *range(k.dim() - 2))
for axes, size, kernel, stride in ((1, (7,), (3,), 2), (3, (4, 3, 5), (3, 2, 3), 1)):
    conv = {1: F.conv1d, 3: F.conv3d}[axes]
    x = T(2, 3, *size, 2)
    weights = {'kernel': T(*kernel, 2, 12), 'recurrent_kernel': T(*kernel, 3, 12), 'bias': T(12)}
    leaves = {k: v.clone().requires_grad_() for k, v in weights.items()}
    h = c = None
    ys = []
    for t in range(3):
        z = conv(first(x[:, t]), kernel_of(leaves['kernel']), leaves['bias'], stride=stride)
        if h is not None:
            z = z + conv(h, kernel_of(leaves['recurrent_kernel']), padding='same')
        i, f, g, o = z.chunk(4, 1)
        c = i.sigmoid() * g.tanh() + (f.sigmoid() * c if c is not None else 0)
        h = o.sigmoid() * c.tanh()
        ys.append(last(h))
    y = torch.stack(ys, 1)
    (y * y).mean().backward()
    out['convLstm'][str(axes)] = {'x': J(x), 'kernelSize': list(kernel), 'strides': stride, 'weights': {k: J(v) for k, v in weights.items()},
        'y': J(y), 'gradients': {k: J(v.grad) for k, v in leaves.items()}}
UNITS, IN, BATCH = 3, 2, 2
for kind, parts in (('lstm', 4), ('gru', 3), ('simpleRnn', 1)):
    net = {'lstm': torch.nn.LSTM, 'gru': torch.nn.GRU, 'simpleRnn': torch.nn.RNN}[kind](IN, UNITS, batch_first=True).double()
    # rows of torch's gates: lstm i f g o as ours; gru r z n, ours z r n
    order = {'lstm': [0, 1, 2, 3], 'gru': [1, 0, 2], 'simpleRnn': [0]}[kind]
    W = {'kernel': T(IN, parts * UNITS), 'recurrent_kernel': T(UNITS, parts * UNITS), 'bias': T(2, parts * UNITS)}
    if kind != 'gru': W['bias'][1] = 0
    def rows(columns): return torch.cat([columns.t().split(UNITS)[j] for j in order])  # an involution
    def columns(rows_): return torch.cat([rows_.split(UNITS)[j] for j in order]).t()
    xs = [T(BATCH, 4, IN) for _ in range(3)]
    def run(train):
        with torch.no_grad():
            net.weight_ih_l0.copy_(rows(W['kernel'])); net.weight_hh_l0.copy_(rows(W['recurrent_kernel']))
            net.bias_ih_l0.copy_(rows(W['bias'][:1].clone()).reshape(-1)); net.bias_hh_l0.copy_(rows(W['bias'][1:].clone()).reshape(-1))
        trained = [p for n, p in net.named_parameters() if kind == 'gru' or n != 'bias_hh_l0']
        opt = torch.optim.SGD(trained, lr=.125)
        state, ys = None, []
        for x in xs:
            y, state = net(x, state)
            state = tuple(s.detach() for s in state) if kind == 'lstm' else state.detach()
            ys.append(J(y))
            if train: opt.zero_grad(); (y * y).mean().backward(); opt.step()
        bias = torch.stack([columns(net.bias_ih_l0[:, None]).reshape(-1), columns(net.bias_hh_l0[:, None]).reshape(-1)])
        return ys, {'kernel': columns(net.weight_ih_l0), 'recurrent_kernel': columns(net.weight_hh_l0), 'bias': bias if kind == 'gru' else bias[0]}
    ys, _ = run(False)
    trained_ys, after = run(True)
    given = {**W, 'bias': W['bias'] if kind == 'gru' else W['bias'][0]}
    out['stateful'][kind] = {'x': [J(x) for x in xs], 'weights': {k: J(v) for k, v in given.items()}, 'y': ys, 'after': {k: J(v) for k, v in after.items()}}
json.dump(out, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'recurrent.json'), 'w'))
