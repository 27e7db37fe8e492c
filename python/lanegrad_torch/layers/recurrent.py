"""Recurrent layers: simpleRnn, lstm, gru and lstm of images. Columns of gates: lstm i, f, n, o; gru z, r, n."""

from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from ..activations import activation_of
from ..errors import check
from ..tensors import mask_of, set_mask
from .base import Layer
from .convolution import convolve
from .noise import kept
from .shapes import spans_of, windows

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

    def fused(self, x: Tensor, states: States) -> Optional[Tuple[Tensor, States]]:
        """h after every step of x, in its order, and the last states, by one call of PyTorch; None: it has none for this layer."""
        return None

    def _is_usual(self, activation: str = "tanh") -> bool:
        """Whether the activations are those of PyTorch's layers."""
        c = self.config
        gates = c.get("recurrentActivation", {"name": "sigmoid"})["name"]
        return c["activation"]["name"] == activation and gates == "sigmoid"

    def _flat(self, order: Sequence[int]) -> List[Tensor]:
        """The weights as PyTorch's functions take them: gates in this order, and a second bias, of zeros but for gru."""
        order = list(order)
        bias = self.bias if self.config["useBias"] else self.kernel.new_zeros(self.kernel.shape[1])
        biases = list(bias) if bias.dim() == 2 else [bias, torch.zeros_like(bias)]
        rows = [self.kernel.t(), self.recurrent_kernel.t(), *biases]
        return [torch.cat([row.chunk(self.parts)[gate] for gate in order]).contiguous() for row in rows]

    def _initial(self, x: Tensor, given: Tuple[Tensor, ...], shape: Tuple[int, ...]) -> States:
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
        factors = None
        if self.training and c["recurrentDropout"] > 0:
            factors = kept(x, self.state_shape(x), c["recurrentDropout"])
        states = self._initial(x, given, self.state_shape(x))
        whole = None
        if mask is None and factors is None:
            whole = self.fused(x.flip(1) if c["goBackwards"] else x, states)
        y, states = whole or self._step_by_step(x, states, mask, factors)
        if c["stateful"]:
            with torch.no_grad():
                for name, state in zip(("h", "c"), states):
                    getattr(self, f"state_{name}").copy_(state)
        y = y if c["returnSequences"] else states[0] * 1
        set_mask(y, None)
        if mask is not None and c["returnSequences"]:
            set_mask(y, mask.flip(1) if c["goBackwards"] else mask)
        if not c["returnState"]:
            return y
        return (y, *(set_mask(state * 1, None) for state in states))

    def state_shape(self, x: Tensor) -> Tuple[int, ...]:
        return (x.shape[0], self.size())

    def _step_by_step(
        self, x: Tensor, states: States, mask: Optional[Tensor], factors: Optional[Tensor]
    ) -> Tuple[Tensor, States]:
        """h after every step in the order of reading, and the last states; `factors`: of h where it enters the product."""
        products = self.products(x)
        steps = range(products.shape[1])
        sequence = []
        for t in reversed(steps) if self.config["goBackwards"] else steps:
            after = self.step(products[:, t], states, states[0] if factors is None else states[0] * factors)
            if mask is not None:
                m = mask[:, t].reshape(-1, *[1] * (states[0].dim() - 1))
                after = [new * m + old * (1 - m) for new, old in zip(after, states)]
            states = after
            sequence.append(states[0])
        return torch.stack(sequence, 1), states


class SimpleRnn(Recurrent):
    def fused(self, x: Tensor, states: States) -> Optional[Tuple[Tensor, States]]:
        for name, function in (("tanh", torch.rnn_tanh), ("relu", torch.rnn_relu)):
            if self._is_usual(name):
                y, h = function(x, states[0][None], self._flat([0]), True, 1, 0.0, self.training, False, True)
                return y, [h[0]]
        return None

    def step(self, x: Tensor, before: States, read: Tensor) -> States:
        return [self.activation(x + self.product(read))]


class Lstm(Recurrent):
    parts = 4
    states = 2

    def fused(self, x: Tensor, states: States) -> Optional[Tuple[Tensor, States]]:
        if not self._is_usual():
            return None
        before = [state[None] for state in states]
        y, h, c = torch.lstm(x, before, self._flat([0, 1, 2, 3]), True, 1, 0.0, self.training, False, True)
        return y, [h[0], c[0]]

    def step(self, x: Tensor, before: States, read: Tensor) -> States:
        i, f, n, o = (x + self.product(read)).chunk(4, -1)
        c = self.gate(f) * before[1] + self.gate(i) * self.activation(n)
        return [self.gate(o) * self.activation(c), c]


class Gru(Recurrent):
    parts = 3

    def fused(self, x: Tensor, states: States) -> Optional[Tuple[Tensor, States]]:
        """PyTorch has the gates in the order r, z, n, and resets after the product."""
        if not self._is_usual() or not self.config["resetAfter"]:
            return None
        y, h = torch.gru(x, states[0][None], self._flat([1, 0, 2]), True, 1, 0.0, self.training, False, True)
        return y, [h[0]]

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

    def fused(self, x: Tensor, states: States) -> None:
        return None

    def state_shape(self, x: Tensor) -> Tuple[int, ...]:
        c = self.config
        spans = spans_of(c["kernelSize"], c["dilationRate"])
        pairs = windows(x.shape[2:-1], spans, c["strides"], c["padding"])
        axes = zip(x.shape[2:-1], pairs, spans, c["strides"])
        return (x.shape[0], *((before + n + after - span) // stride + 1 for n, (before, after), span, stride in axes), self.size())

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
