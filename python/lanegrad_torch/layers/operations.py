"""The layer `operations`: a list of operations, which models of other makers become."""

from typing import Any, Callable, Dict, List, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..activations import FUNCTIONS
from ..errors import check, fail, unknown
from ..tensors import made_of, reshape
from .base import Layer
from .convolution import convolve
from .pooling import average_pool, max_pool
from .shapes import resized

Attributes = Mapping[str, Any]


class _Sign(torch.autograd.Function):
    """sign, whose slope is 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.sign()

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        return torch.zeros_like(dy)


UNARY: Dict[str, Callable[[Tensor, float], Tensor]] = {
    **{name: function for name, function in FUNCTIONS.items() if name not in ("swish", "exponential", "softmax", "logSoftmax")},
    "exp": lambda x, alpha: x.exp(),
    "negate": lambda x, alpha: -x,
    "abs": lambda x, alpha: x.abs(),
    "sign": lambda x, alpha: _Sign.apply(x),
    "log": lambda x, alpha: x.log(),
    "sqrt": lambda x, alpha: x.sqrt(),
    "reciprocal": lambda x, alpha: x.reciprocal(),
    "erf": lambda x, alpha: x.erf(),
}

BINARY: Dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "maximum": lambda a, b: torch.where(a > b, a, b),
    "minimum": lambda a, b: torch.where(a <= b, a, b),
    "greater": lambda a, b: (a > b).to(torch.float32),
    "greaterEqual": lambda a, b: (a >= b).to(torch.float32),
    "equal": lambda a, b: (a == b).to(torch.float32),
}

REDUCE: Dict[str, Callable[..., Tensor]] = {
    "sum": torch.sum,
    "mean": torch.mean,
    "max": torch.amax,
    "min": torch.amin,
}


def _gather(table: Tensor, ids: Tensor) -> Tensor:
    known = (ids >= 0) & (ids < table.shape[0])
    rows = F.embedding(ids.long().clamp(0, table.shape[0] - 1), table)
    return rows * known.unsqueeze(-1).to(rows.dtype)


def _pad(x: Tensor, own: Attributes) -> Tensor:
    sides = [0, 0] * (x.dim() - own["axis"] - 1) + [own["before"], own["after"]]
    return F.pad(x, sides)


def _matmul(a: Tensor, b: Tensor, own: Attributes) -> Tensor:
    a = a.transpose(-1, -2) if own["transposeA"] else a
    return a @ (b.transpose(-1, -2) if own["transposeB"] else b)


def _reduce(x: Tensor, own: Attributes) -> Tensor:
    return REDUCE[own["fn"]](x, dim=list(own["axes"]), keepdim=own["keepDims"]) if own["axes"] else x


def _softmax(x: Tensor, own: Attributes) -> Tensor:
    return torch.log_softmax(x, -1) if own["log"] else made_of(torch.softmax(x, -1), "softmax", x)


STEPS: Dict[str, Callable[..., Tensor]] = {
    "unary": lambda own, x: UNARY[own["fn"]](x, own["alpha"]),
    "binary": lambda own, a, b: BINARY[own["fn"]](a, b),
    "permute": lambda own, x: x.permute(*own["axes"]),
    "slice": lambda own, x: x.narrow(own["axis"], own["start"], own["size"]),
    "concatenate": lambda own, *inputs: torch.cat(inputs, own["axis"]),
    "pad": lambda own, x: _pad(x, own),
    "reverse": lambda own, x: x.flip(own["axis"]),
    "resize": lambda own, x: resized(x, own["axis"], own["size"], own["linear"], own["grid"]),
    "softmax": lambda own, x: _softmax(x, own),
    "reduce": lambda own, x: _reduce(x, own),
    "matmul": lambda own, a, b: _matmul(a, b, own),
    "conv": lambda own, x, w: convolve(x, w, own["strides"], own["dilations"], own["padding"], own["groups"]),
    "maxPool": lambda own, x: max_pool(x, own["poolSize"], own["strides"], own["padding"]),
    "averagePool": lambda own, x: average_pool(x, own["poolSize"], own["strides"], own["padding"]),
}


class Operations(Layer):
    """Walks the steps; a size -k stands for k times the number of samples."""

    def build(self) -> None:
        for i, step in enumerate(self.config["steps"]):
            op = step["op"]
            if op == "weight":
                if not step.get("tiedTo"):
                    self.weight(step["name"], tuple(step["shape"]), trainable=step["trainable"])
            elif op not in ("constant", "reshape", "expand", "gather", *STEPS):
                unknown(f"operation of step {i}", op, ["weight", "constant", "reshape", "expand", "gather", *STEPS])

    def _steps(self, inputs: Sequence[Tensor], batch: int) -> List[Tensor]:
        values = list(inputs)
        for i, step in enumerate(self.config["steps"]):
            op = step["op"]
            numbers = step["inputs"]
            check(all(n < len(values) for n in numbers), f"step {i} ({op})", "values of steps before", numbers)
            given = [values[n] for n in numbers]
            if op == "weight" and step.get("tiedTo"):
                name, own = step["tiedTo"].rsplit("/", 1)
                value = self.network.tied(self, name, [own.replace(":", "_")])
            elif op == "weight":
                value = getattr(self, step["name"].replace(":", "_"))
            elif op == "constant":
                device = inputs[0].device
                value = torch.tensor(step["data"], dtype=torch.float32, device=device).reshape(step["shape"])
            elif op in ("reshape", "expand"):
                shape = [-n * batch if n < 0 else n for n in step["shape"]]
                value = reshape(given[0], shape) if op == "reshape" else given[0].expand(shape)
            elif op == "gather":
                self.network.limit(given[1], given[0].shape[0], self.name)
                value = _gather(*given)
            else:
                value = STEPS[op](step, *given)
            values.append(value)
        return values

    def forward(self, *inputs: Tensor) -> "Tensor | List[Tensor]":
        rows = self.config["rows"]
        if inputs[0].shape[0] % rows:
            fail(f"the first axis of {list(inputs[0].shape)} must hold {rows} rows for each sample")
        batch = inputs[0].shape[0] // rows
        wanted = self.config["outputs"] or [len(inputs) + len(self.config["steps"]) - 1]
        if not self.config["each"]:
            values = self._steps(inputs, batch)
            results = [values[n] for n in wanted]
        else:
            samples = [self._steps([x[i] for x in inputs], 1) for i in range(batch)]
            results = [torch.stack([values[n] for values in samples]) for n in wanted]
        return results[0] if len(results) == 1 else results


KINDS = {"operations": Operations}
