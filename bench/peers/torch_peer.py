"""The native peer: PyTorch behind standard input and output, one JSON message a line each way.

Enters: nets of nets.mjs as descriptions, their numbers in a file of float32 and int32 words; products likewise.
Leaves: milliseconds measured here, around whole calls, and results (in a file where they are many). It assumes that
one message is answered before the next one comes. Argument: the number of threads.
"""
import json
import math
import os
import sys
import time



def megabytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


STARTED = time.process_time()
STARTED_MEGABYTES = megabytes()
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

torch.set_num_threads(int(sys.argv[1]))
torch.set_flush_denormal(False)


def moving(gamma):
    """The first mean and variance of a batch normalization."""
    return torch.zeros_like(gamma, requires_grad=False), torch.ones_like(gamma, requires_grad=False)


def linear(x, kernel, bias):
    """Kernels lie as [out, in], the layout of torch.nn.Linear."""
    return F.linear(x, kernel, bias)


def attention(x, w, heads):
    batch, steps, units = x.shape
    qkv = F.linear(x, w["qkv"], w["qkvBias"]).view(batch, steps, 3, heads, units // heads)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(-1, -2) / math.sqrt(units // heads)
    later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
    shares = scores.masked_fill(later, float("-inf")).softmax(-1)
    return linear((shares @ v).transpose(1, 2).reshape(batch, steps, units), w["wo"], w["bo"])


class Net:
    """Images are [batch, channels, height, width]: what lies between is moved there once, in front of the convolutions."""

    def __init__(self, spec, words):
        self.spec = spec
        self.layers = []
        for layer in spec["layers"]:
            w = {name: array(words, part).clone() for name, part in layer["weights"].items()}
            own = dict(layer, weights={name: p.requires_grad_() for name, p in self.ready(layer, w).items()})
            if layer["type"] == "lstm":
                own["module"] = self.lstm(layer["units"], own["weights"])
            own["moving"] = [moving(w[f"gamma{n + 1}"]) for n in range(len(layer["parts"]))]
            self.layers.append(own)
        self.parameters = [p for layer in self.layers for p in self.parametersOf(layer)]
        self.batches = [(array(words, x).numpy(), array(words, y).numpy()) for x, y in spec["batches"]]
        rate = spec["learningRate"]
        adam = spec["optimizer"] == "adam"
        self.rule = torch.optim.Adam(self.parameters, rate, eps=1e-7) if adam else torch.optim.SGD(self.parameters, rate)
        self.loss = None

    @staticmethod
    def ready(layer, w):
        """Weights in this library's layouts."""
        if layer["type"] == "dense":
            w["kernel"] = w["kernel"].t().contiguous()
        elif layer["type"] == "conv":
            w["kernel"] = w["kernel"].permute(3, 2, 0, 1).contiguous()
        elif layer["type"] == "residual":
            for n, part in enumerate(layer["parts"], 1):
                order = (2, 3, 0, 1) if part["type"] == "depthwise" else (3, 2, 0, 1)
                w[f"kernel{n}"] = w[f"kernel{n}"].permute(*order).contiguous()
        elif layer["type"] == "block":
            w["qkv"] = torch.cat([w.pop("w" + own).t() for own in "qkv"]).contiguous()
            w["qkvBias"] = torch.cat([w.pop("b" + own) for own in "qkv"])
            for name in ("wo", "up", "down"):
                w[name] = w[name].t().contiguous()
        return w

    @staticmethod
    def lstm(units, w):
        """Gates are input, forget, cell, output here, too; of its two biases one stays 0."""
        module = torch.nn.LSTM(w["kernel"].shape[0], units, batch_first=True)
        with torch.no_grad():
            module.weight_ih_l0.copy_(w["kernel"].t())
            module.weight_hh_l0.copy_(w["recurrent"].t())
            module.bias_ih_l0.copy_(w["bias"])
            module.bias_hh_l0.zero_()
        return module

    @staticmethod
    def parametersOf(layer):
        return list(layer["module"].parameters()) if "module" in layer else list(layer["weights"].values())

    def residual(self, x, layer, training):
        value, w, count = x, layer["weights"], len(layer["parts"])
        for n, part in enumerate(layer["parts"], 1):
            kernel, (mean, variance) = w[f"kernel{n}"], layer["moving"][n - 1]
            groups = len(kernel) if part["type"] == "depthwise" else 1
            value = F.conv2d(value, kernel, padding=kernel.shape[-1] // 2, groups=groups)
            share, epsilon = 1 - self.spec["momentum"], self.spec["epsilon"]
            value = F.batch_norm(value, mean, variance, w[f"gamma{n}"], w[f"beta{n}"], training, share, epsilon)
            value = value + x if n == count else value
            value = value if part["activation"] == "linear" else getattr(F, part["activation"])(value)
        return value

    def predict(self, x, training=False):
        value = torch.from_numpy(x).view(-1, *self.spec["inputShape"])
        for index, layer in enumerate(self.layers):
            kind, w = layer["type"], layer["weights"]
            if kind == "dense":
                value = linear(value, w["kernel"], w["bias"])
                if layer["activation"] != "linear":
                    value = getattr(torch, layer["activation"])(value)
            elif kind == "conv":
                value = value if index else value.permute(0, 3, 1, 2)
                value = F.relu(F.conv2d(value, w["kernel"], w["bias"]))
            elif kind == "pool":
                value = F.max_pool2d(value, 2)
            elif kind == "flatten":
                value = value.permute(0, 2, 3, 1).flatten(1)
            elif kind == "lstm":
                value = layer["module"](value)[0][:, -1]
            elif kind == "embedding":
                value = F.embedding(value, w["embeddings"]) + w["position"]
            elif kind == "residual":
                value = self.residual(value, layer, training)
            elif kind == "norm":
                value = F.layer_norm(value, value.shape[-1:], w["gamma"], w["beta"], self.spec["epsilon"])
            else:
                units = value.shape[-1:]
                seen = F.layer_norm(value, units, w["gamma1"], w["beta1"], self.spec["epsilon"])
                value = value + attention(seen, w, layer["heads"])
                seen = F.layer_norm(value, units, w["gamma2"], w["beta2"], self.spec["epsilon"])
                value = value + linear(F.gelu(linear(seen, w["up"], w["upBias"])), w["down"], w["downBias"])
        return value.reshape(-1, self.spec["outputs"])

    def step(self, i):
        x, y = self.batches[i % len(self.batches)]
        target = torch.from_numpy(y)
        self.rule.zero_grad()
        outputs = self.predict(x, True)
        if self.spec["loss"] == "mse":
            loss = F.mse_loss(outputs, target.view_as(outputs))
        else:
            loss = F.cross_entropy(outputs, target)
        loss.backward()
        self.rule.step()
        self.loss = loss.item()

    def run(self, i):
        with torch.inference_mode():
            self.outputs = self.predict(self.batches[i % len(self.batches)][0]).numpy()


class Product:
    def __init__(self, spec, words):
        a, b = array(words, spec["a"]), array(words, spec["b"])
        self.a = a.t() if spec["form"] == "At.B" else a
        self.b = b.t() if spec["form"] == "A.Bt" else b

    def run(self, _):
        self.outputs = torch.matmul(self.a, self.b)


def array(words, part):
    """Part of the file as a tensor; class ids as int64, what PyTorch's losses and embeddings take fastest."""
    start, shape, dtype = part["start"], part["shape"], part["dtype"]
    flat = words[start : start + math.prod(shape)].view(dtype).reshape(shape)
    return torch.from_numpy(flat.astype(np.int64) if dtype == "int32" else flat.copy())


def gflops(size=512):
    """Of this library's own matmul: tells a fast BLAS from the reference one."""
    a = torch.ones(size, size)
    best = math.inf
    for _ in range(6):
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def answer(message, held):
    what = message["do"]
    if what == "hello":
        return {"version": torch.__version__, "gflops": gflops()}
    if what == "make":
        made = Net if message["kind"] == "net" else Product
        held[message["id"]] = made(message["spec"], np.fromfile(message["file"], dtype=np.float32))
        return {}
    if what == "free":
        del held[message["id"]]
        return {}
    if what == "cpu":
        return {"ms": (time.process_time() - STARTED) * 1e3}
    if what == "megabytes":
        return {"megabytes": megabytes() - STARTED_MEGABYTES}
    one = held[message["id"]]
    if what == "loss":
        return {"loss": one.loss}
    if what == "read":
        np.asarray(one.outputs, dtype=np.float32).tofile(message["file"])
        return {}
    call = one.step if what == "step" else one.run
    start = time.perf_counter()
    for i in range(message["from"], message["from"] + message["count"]):
        call(i)
    return {"ms": (time.perf_counter() - start) * 1e3}


held = {}
for line in sys.stdin:
    try:
        reply = answer(json.loads(line), held)
    except Exception as error:  # noqa: BLE001
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
