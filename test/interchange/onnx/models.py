# Makes the files beside it: networks as torch.onnx writes them, with PyTorch's own numbers: a prediction, the losses of three
# steps of SGD, and the prediction after these. Run with a Python that has torch (Debian's python3-torch is 1.13); with a folder
# and a seed it makes others there:
#   python3 test/interchange/onnx/models.py [FOLDER SEED]
import json, math, os, sys, warnings
import torch
from torch import nn
import torch.nn.functional as F

warnings.filterwarnings('ignore')
here, seed = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else (os.path.dirname(os.path.abspath(__file__)), 7)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2, padding=1)
        self.act = nn.PReLU(8)
        self.fc = nn.Linear(8 * 2 * 2, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.avg_pool2d(self.act(self.conv2(x)), 2, ceil_mode=True)
        return self.fc(torch.flatten(x, 1))


class Squeeze(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.down = nn.Conv2d(channels, 2, 1)
        self.up = nn.Conv2d(2, channels, 1)

    def forward(self, x):
        s = F.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.up(F.relu(self.down(s))))


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, groups=cout, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.se = Squeeze(cout)
        self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = F.hardswish(self.bn1(self.conv1(x)))
        return F.relu(self.se(self.bn2(self.conv2(y))) + self.shortcut(x))


class Resnet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 2, 1)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = Block(4, 4, 1)
        self.layer2 = Block(4, 6, 2)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.layer2(self.layer1(self.pool(F.silu(self.stem(x)))))
        return self.head(x.mean([2, 3]))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 4, num_layers=2, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        y, (h, c) = self.rnn(x)
        return self.head(y[:, -1] + h[0])


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(3, 4, batch_first=True, bidirectional=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        y, h = self.rnn(x)
        return self.head(y).mean(1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, activation='gelu', batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(8, 2)

    def forward(self, ids):
        return self.head(self.encoder(self.embed(ids))[:, 0])


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).split(c, dim=2)
        q, k, v = [a.view(b, t, self.heads, c // self.heads).transpose(1, 2) for a in (q, k, v)]
        scores = q @ k.transpose(-2, -1) / math.sqrt(c // self.heads)
        mask = torch.tril(torch.ones(t, t)).view(1, 1, t, t)
        scores = scores.masked_fill(mask == 0, float('-inf'))
        y = (F.softmax(scores, dim=-1) @ v).transpose(1, 2).contiguous().view(b, t, c)
        return self.out(y)


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(13, 8)
        self.wpe = nn.Embedding(6, 8)
        self.ln1 = nn.LayerNorm(8)
        self.attn = Attention(8, 2)
        self.ln2 = nn.LayerNorm(8)
        self.up = nn.Linear(8, 16)
        self.down = nn.Linear(16, 8)
        self.lnf = nn.LayerNorm(8)

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        x = x + self.attn(self.ln1(x))
        x = x + self.down(F.gelu(self.up(self.ln2(x))))
        return self.lnf(x) @ self.wte.weight.t()  # tied


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 4, 3, padding=1)
        self.inner = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        self.up = nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1)
        self.last = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        a = F.leaky_relu(self.down(x), 0.1)
        b = self.norm(self.inner(F.max_pool2d(a, 2)))
        c = self.up(b) + F.interpolate(b, scale_factor=2, mode='bilinear', align_corners=False)
        return self.last(torch.cat([a, c], 1))


class Twins(nn.Module):
    """One tower for both halves, their cosine, a learnt temperature."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.norm = nn.LayerNorm(6)
        self.second = nn.Linear(6, 3)
        self.scale = nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        a, b = [F.normalize(self.second(self.norm(torch.tanh(self.first(half)))), dim=1) for half in x.chunk(2, 1)]
        return (a * b).sum(1, keepdim=True) * self.scale.exp()


class Tied(nn.Module):
    """A matrix, its transpose, and a power that is read at two places."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(5, 4) * 0.3)
        self.p = nn.Parameter(torch.ones(1) * 2.5)
        self.norm = nn.LayerNorm(4)

    def forward(self, x):
        h = self.norm((F.softplus(x) ** self.p) @ self.w)
        return F.softplus(h @ self.w.t()) ** (1.0 / self.p)


class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTMCell(3, 4)
        self.gru = nn.GRUCell(4, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        h = c = g = torch.zeros(x.size(0), 4)
        for i in range(4):
            h, c = self.lstm(x[:, i], (h, c))
            g = self.gru(h, g)
        return self.head(g)


class BiLstm(nn.Module):
    """Two layers in both directions; the head works on each step, and on the last states."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        y, (h, c) = self.rnn(x)
        return self.head(y).mean(1) + self.head(torch.cat([h[-2], h[-1]], 1))


class LinearAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x):
        q, k, v = F.elu(self.q(x)) + 1, F.elu(self.k(x)) + 1, self.v(x)
        z = 1 / torch.einsum('bnd,bd->bn', q, k.sum(1))
        return torch.einsum('bnd,bde,bn->bne', q, torch.einsum('bnd,bne->bde', k, v), z)


class Vit(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.place = nn.Parameter(torch.randn(1, 5, 8) * 0.1)
        self.norm1, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)
        self.up, self.down, self.head = nn.Linear(8, 12), nn.Linear(12, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.place
        b, n, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(b, n, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        a = (q @ k.transpose(-2, -1) * 0.5).softmax(-1)
        x = x + self.out((a @ v).transpose(1, 2).reshape(b, n, c))
        return self.head((x + self.down(F.gelu(self.up(self.norm2(x)))))[:, 0])


class Factors(nn.Module):
    """Ids of several columns in one table, each column behind the one before."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(12, 4)
        self.linear = nn.Embedding(12, 1)
        self.register_buffer('first', torch.tensor([0, 3, 7]))

    def forward(self, ids):
        own = self.table(ids + self.first)
        both = own.sum(1) ** 2 - (own ** 2).sum(1)
        return self.linear(ids + self.first).sum(1) + 0.5 * both.sum(1, keepdim=True)


class Decoder(nn.Module):
    """An image from a vector: group normalization behind a reshape, powers that aren't whole."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 32)
        self.norm = nn.GroupNorm(2, 8)
        self.up = nn.ConvTranspose2d(8, 3, 4, 2, 1)

    def forward(self, x):
        y = F.silu(self.norm(self.first(x).view(-1, 8, 2, 2)))
        return F.softplus(self.up(y)) ** 1.5 + F.softplus(y).mean([1, 2, 3], keepdim=True) ** 0.3


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 7), nn.GELU(), nn.LayerNorm(7), nn.Linear(7, 4), nn.Tanh(), nn.Linear(4, 3))


CASES = {
    'mlp': (mlp, [3, 4], 0),
    'cnn': (Cnn, [2, 12, 12], 0),
    'resnet': (Resnet, [3, 16, 16], 0),
    'lstm': (Lstm, [5, 3], 0),
    'gru': (Gru, [5, 3], 0),
    'encoder': (Encoder, [5], 11),
    'gpt': (Gpt, [6], 13),
    'unet': (Unet, [1, 8, 8], 0),
    'twins': (Twins, [8], 0),
    'tied': (Tied, [5], 0),
    'cells': (Cells, [4, 3], 0),
    'bilstm': (BiLstm, [5, 3], 0),
    'linear-attention': (LinearAttention, [5, 6], 0),
    'vit': (Vit, [3, 8, 8], 0),
    'factors': (Factors, [3], 3),
    'decoder': (Decoder, [5], 0),
}
# of these PyTorch would write a transpose of a weight beside the weight
UNFOLDED = ('tied_17', 'bilstm_17')
MODE = torch.onnx.TrainingMode.PRESERVE


def run(name, make, shape, ids, opset, dynamic):
    torch.manual_seed(seed)
    net = make()
    for p in net.buffers():
        if p.dtype == torch.float32:
            p.copy_(torch.rand_like(p) + 0.5)
    batch = 3
    x = torch.randint(ids, [batch] + shape) if ids else torch.randn([batch] + shape)
    sample = x if dynamic else x[:1]
    net.train()
    is_plain = not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in net.modules())
    if not is_plain:
        net.eval()
    path = os.path.join(here, f'{name}.onnx')
    torch.onnx.export(net, sample, path, opset_version=opset, training=MODE, do_constant_folding=dynamic and is_plain and name not in UNFOLDED,
                      input_names=['x'], output_names=['y'],
                      dynamic_axes={'x': {0: 'batch'}, 'y': {0: 'batch'}} if dynamic else None)
    net.eval()
    with torch.no_grad():
        y = net(x)
    net.train()
    target = torch.randn_like(y)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.mse_loss(net(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        after = net(x)
    flat = lambda t: [float('%.9g' % v) for v in t.flatten().tolist()]
    case = dict(shape=shape, isIds=bool(ids), x=flat(x.float()), y=flat(y), target=flat(target), losses=losses, after=flat(after))
    with open(os.path.join(here, f'{name}.json'), 'w') as file:
        file.write(json.dumps(case, separators=(',', ':')) + '\n')
    print(name, opset, dynamic, os.path.getsize(path))


for name, (make, shape, ids) in CASES.items():
    run(f'{name}_17', make, shape, ids, 17, True)
for name, opset in [('mlp', 11), ('cnn', 9), ('lstm', 11), ('encoder', 11), ('gpt', 14), ('vit', 14)]:
    make, shape, ids = CASES[name]
    run(f'{name}_fixed', make, shape, ids, opset, False)
