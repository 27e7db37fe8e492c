"""Recurrent layers: simpleRnn, lstm, gru and lstm of images. Columns of gates: lstm i, f, n, o; gru z, r, n."""

from typing import List, Tuple

import torch
from torch import Tensor

from ..activations import activation_of
from ..errors import check
from ..tensors import mask_of, set_mask
from .base import Layer
from .convolution import convolve
from .noise import kept

States = List[Tensor]


class Recurrent(Layer):
    """Walks a sequence. Subclasses give the input products of all steps and write one step.

    A step that the mask leaves out keeps the state. Steps are written one by one; what cuDNN has is called as a whole.
    """

    parts = 1
    states = 1

    def build(self) -> None:
        c = self.config
        columns = self.parts * c["units"]
        self.weight("kernel", (None, columns))
        self.weight("recurrent_kernel", (c["units"], columns), option="recurrent")
        if c["useBias"]:
            self.weight("bias", (2, columns) if c.get("resetAfter") else (columns,))
        self.common()

    def common(self) -> None:
        c = self.config
        self.activation = activation_of(c["activation"])
        if "recurrentActivation" in c:
            self.gate = activation_of(c["recurrentActivation"])
        if c["stateful"]:
            rank = self.kernel.dim() - 2
            for name in ("h", "c")[: self.states]:
                self.weight(f"state:{name}", (c["batchSize"], *[None] * rank, self.size()), trainable=False)

    def size(self) -> int:
        return self.config["units"]

    def products(self, x: Tensor) -> Tensor:
        """The input products of all steps, [batch, steps, ...]."""
        y = x @ self.kernel
        if not self.config["useBias"]:
            return y
        return y + (self.bias[0] if self.config.get("resetAfter") else self.bias)

    def product(self, h: Tensor) -> Tensor:
        return h @ self.recurrent_kernel

    def step(self, x: Tensor, before: States, read: Tensor) -> States:
        """The states after a step; `read`: h as the recurrent product reads it."""
        raise NotImplementedError

    def _initial(self, x: Tensor, given: Tuple[Tensor, ...], shape: torch.Size) -> States:
        c = self.config
        check(len(given) in (0, self.states), "inputs", f"1 or {self.states + 1} (with the initial states)", len(given) + 1)
        if c["stateful"]:
            check(not given, "inputs", "no initial states, as it is stateful", len(given))
            check(x.shape[0] == c["batchSize"], "input", f"{c['batchSize']} rows (batchSize)", x.shape[0])
            return [getattr(self, f"state_{name}").clone() for name in ("h", "c")[: self.states]]
        return list(given) or [x.new_zeros(shape) for _ in range(self.states)]

    def forward(self, x: Tensor, *given: Tensor) -> "Tensor | Tuple[Tensor, ...]":
        c = self.config
        mask = mask_of(x)
        if self.training and c["dropout"] > 0:
            x = x * kept(x, [x.shape[0], 1, *x.shape[2:]], c["dropout"])
        products = self.products(x)
        shape = torch.Size([x.shape[0], *products.shape[2:-1], self.size()])
        states = self._initial(x, given, shape)
        factors = kept(x, shape, c["recurrentDropout"]) if self.training and c["recurrentDropout"] > 0 else None
        steps = range(products.shape[1])
        sequence = []
        for t in reversed(steps) if c["goBackwards"] else steps:
            after = self.step(products[:, t], states, states[0] if factors is None else states[0] * factors)
            if mask is not None:
                m = mask[:, t].reshape(-1, *[1] * (len(shape) - 1))
                after = [new * m + old * (1 - m) for new, old in zip(after, states)]
            states = after
            sequence.append(states[0])
        if c["stateful"]:
            with torch.no_grad():
                for name, state in zip(("h", "c"), states):
                    getattr(self, f"state_{name}").copy_(state)
        y = torch.stack(sequence, 1) if c["returnSequences"] else states[0] * 1
        set_mask(y, None)
        if mask is not None and c["returnSequences"]:
            set_mask(y, mask.flip(1) if c["goBackwards"] else mask)
        if not c["returnState"]:
            return y
        return (y, *(set_mask(state * 1, None) for state in states))


class SimpleRnn(Recurrent):
    def step(self, x: Tensor, before: States, read: Tensor) -> States:
        return [self.activation(x + self.product(read))]


class Lstm(Recurrent):
    parts = 4
    states = 2

    def step(self, x: Tensor, before: States, read: Tensor) -> States:
        i, f, n, o = (x + self.product(read)).chunk(4, -1)
        c = self.gate(f) * before[1] + self.gate(i) * self.activation(n)
        return [self.gate(o) * self.activation(c), c]


class Gru(Recurrent):
    parts = 3

    def step(self, x: Tensor, before: States, read: Tensor) -> States:
        (h,) = before
        units = self.config["units"]
        xz, xr, xn = x.chunk(3, -1)
        if self.config["resetAfter"]:
            p = self.product(read)
            pz, pr, pn = (p + self.bias[1] if self.config["useBias"] else p).chunk(3, -1)
            z, r = self.gate(xz + pz), self.gate(xr + pr)
            n = self.activation(xn + r * pn)
        else:
            pz, pr = (read @ self.recurrent_kernel[:, : 2 * units]).chunk(2, -1)
            z, r = self.gate(xz + pz), self.gate(xr + pr)
            n = self.activation(xn + (r * read) @ self.recurrent_kernel[:, 2 * units :])
        return [n + z * (h - n)]


class ConvLstm(Lstm):
    """Convolutions in the place of the two products."""

    rank = 2

    def build(self) -> None:
        c = self.config
        columns = 4 * c["filters"]
        self.weight("kernel", (*c["kernelSize"], None, columns))
        self.weight("recurrent_kernel", (*c["kernelSize"], c["filters"], columns), option="recurrent")
        if c["useBias"]:
            self.weight("bias", (columns,))
        self.common()

    def size(self) -> int:
        return self.config["filters"]

    def products(self, x: Tensor) -> Tensor:
        c = self.config
        check(x.dim() == self.rank + 3, "input", f"steps, {self.rank} axes and channels", list(x.shape))
        y = convolve(x.flatten(0, 1), self.kernel, c["strides"], c["dilationRate"], c["padding"])
        y = y.reshape(*x.shape[:2], *y.shape[1:])
        return y + self.bias if c["useBias"] else y

    def product(self, h: Tensor) -> Tensor:
        ones = [1] * self.rank
        return convolve(h, self.recurrent_kernel, ones, ones, "same")


class ConvLstm1d(ConvLstm):
    rank = 1


class ConvLstm3d(ConvLstm):
    rank = 3


KINDS = {
    "simpleRnn": SimpleRnn,
    "lstm": Lstm,
    "gru": Gru,
    "convLstm1d": ConvLstm1d,
    "convLstm2d": ConvLstm,
    "convLstm3d": ConvLstm3d,
}
