#!/usr/bin/python3
"""Makes state-dicts.json beside it with PyTorch: for each net the safetensors file of its state_dict (base64, in the state_dict's
order), an input and the output. Images and signals are stored channels last. The weights of the first half of a net are multiples of
1/64, which F16 and BF16 hold exactly up to 4."""
import base64, json, os, struct
import numpy as np, torch
from torch import nn

torch.manual_seed(3)
DTYPES = {torch.float32: 'F32', torch.float16: 'F16', torch.bfloat16: 'BF16', torch.float64: 'F64', torch.int64: 'I64', torch.bool: 'BOOL'}

def safetensors(state):
    header, data = {}, b''
    for name, t in state.items():
        raw = (t.contiguous().view(torch.int16) if t.dtype == torch.bfloat16 else t.contiguous()).numpy().tobytes()
        header[name] = {'dtype': DTYPES[t.dtype], 'shape': list(t.shape), 'data_offsets': [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    return base64.b64encode(struct.pack('<Q', len(text)) + text + data).decode()

def last(t, image):  # [N, C, ...] to [N, ..., C]
    return t.permute(0, *range(2, t.dim()), 1) if image and t.dim() > 2 else t

J = lambda t: {'shape': list(t.shape), 'data': [float(np.float32(v)) for v in t.reshape(-1).tolist()]}
out = {}

def case(name, net, x, forward=None, image=False, dtype=torch.float32):
    with torch.no_grad():
        for p in net.parameters(): p.copy_(torch.round(torch.randn_like(p) * 24) / 64)
        for own, b in net.named_buffers():
            if own.endswith('running_mean'): b.copy_(torch.round(torch.randn_like(b) * 24) / 64)
            if own.endswith('running_var'): b.copy_(torch.round(torch.rand_like(b) * 64 + 32) / 64)
    net.eval()
    xs = x if isinstance(x, tuple) else (x,)
    with torch.no_grad(): y = forward(net, *xs) if forward else net(*xs)
    state = {k: t.to(dtype) if t.is_floating_point() else t for k, t in net.state_dict().items()}
    out[name] = {'file': safetensors(state), 'x': [J(last(t, image)) for t in xs], 'y': J(last(y, image))}

X = lambda *s: torch.round(torch.randn(*s) * 64) / 64
mlp = lambda: nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 7), nn.Tanh(), nn.Linear(7, 3))
case('linear', mlp(), X(4, 5))
case('linear in F16', mlp(), X(4, 5), dtype=torch.float16)
case('linear in BF16', mlp(), X(4, 5), dtype=torch.bfloat16)
case('linear in F64', mlp(), X(4, 5), dtype=torch.float64)
case('conv1d', nn.Sequential(nn.Conv1d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv1d(4, 2, 2, bias=False), nn.Flatten(), nn.Linear(14, 3)), X(2, 3, 8), image=True)

class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 8, 3, padding=1, groups=4)
        self.bn2 = nn.BatchNorm2d(8)
        self.grouped = nn.Conv2d(8, 6, (1, 2), groups=2)
        self.act = nn.PReLU(6)
        self.norm = nn.BatchNorm1d(72)
        self.fc = nn.Linear(72, 5)
    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        x = self.act(self.grouped(x))
        return self.fc(self.norm(torch.flatten(x, 1)))
case('conv2d', Images(), X(2, 3, 8, 8), image=True)

class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 36)
        self.norm = nn.LayerNorm(36)
        self.up = nn.ConvTranspose2d(4, 3, 3, stride=2)
        self.group = nn.GroupNorm(3, 3)
    def forward(self, z):
        return self.group(self.up(torch.relu(self.norm(self.fc(z))).view(-1, 4, 3, 3)))
case('convTranspose2d', Decoder(), X(2, 6), image=True)

class Last(nn.Module):
    def __init__(self, rnn, width):
        super().__init__()
        self.rnn, self.fc = rnn, nn.Linear(width, 2)
    def forward(self, x): return self.fc(self.rnn(x)[0][:, -1])
case('lstm', Last(nn.LSTM(3, 4, num_layers=2, batch_first=True), 4), X(2, 5, 3))
case('gru', Last(nn.GRU(3, 4, num_layers=2, batch_first=True), 4), X(2, 5, 3))
case('rnn', Last(nn.RNN(3, 4, batch_first=True, nonlinearity='relu'), 4), X(2, 5, 3))
class Both(nn.Module):
    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn
    def forward(self, x): return self.rnn(x)[0]
case('bidirectional lstm', Both(nn.LSTM(3, 4, batch_first=True, bidirectional=True)), X(2, 5, 3))
case('bidirectional gru', Both(nn.GRU(3, 4, batch_first=True, bidirectional=True)), X(2, 5, 3))
case('attention', nn.MultiheadAttention(6, 2, batch_first=True), X(2, 4, 6), lambda net, x: net(x, x, x)[0])
case('attention with kdim', nn.MultiheadAttention(6, 2, kdim=5, vdim=3, batch_first=True), (X(2, 4, 6), X(2, 3, 3), X(2, 3, 5)), lambda net, q, v, k: net(q, k, v)[0])
case('transformer', nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 12, batch_first=True), 2, enable_nested_tensor=False), X(2, 4, 6))

class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(11, 6), nn.Embedding(4, 6)
        self.ln_f = nn.LayerNorm(6)
        self.lm_head = nn.Linear(6, 11, bias=False)
        self.lm_head.weight = self.wte.weight
        self.register_buffer('mask', torch.ones(4, 4).tril() > 0)
    def forward(self, ids): return self.lm_head(self.ln_f(self.wte(ids) + self.wpe.weight))
case('embedding', Gpt(), torch.tensor([[1, 0, 10, 3]]))
case('transposed over time', nn.Sequential(nn.ConvTranspose1d(4, 6, 3, stride=2, groups=2), nn.ReLU(), nn.ConvTranspose1d(6, 2, 2, bias=False), nn.Flatten(), nn.ReLU(), nn.Linear(24, 3)), X(2, 4, 5), image=True)
case('transposed volumes', nn.Sequential(nn.ConvTranspose3d(2, 3, 2, stride=2), nn.Conv3d(3, 2, 2)), X(1, 2, 2, 2, 2), image=True)
json.dump(out, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'state-dicts.json'), 'w'), separators=(',', ':'))
