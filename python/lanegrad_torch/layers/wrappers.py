"""Layers that hold others: directions, steps, blocks, kernels that are computed from other weights."""

import re
from typing import Any, Dict, List, Tuple

import torch
from torch import Tensor

from ..errors import check
from ..tensors import mask_of, reshape, set_mask
from .base import Layer, called, make_layer

MERGES = {
    "concat": lambda a, b: torch.cat([a, b], -1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) * 0.5,
}


class Bidirectional(Layer):
    """A recurrent layer in both directions."""

    def build(self) -> None:
        layer, other = self.config["layer"], self.config["backwardLayer"]
        self.inner("forward", layer["kind"], layer["config"])
        if other is None:
            other = {"kind": layer["kind"], "config": {**layer["config"], "goBackwards": not layer["config"]["goBackwards"]}}
        self.inner("backward", other["kind"], other["config"])

    def forward(self, x: Tensor, *states: Tensor) -> "Tensor | List[Tensor]":
        config = self.config["layer"]["config"]
        half = len(states) // 2
        forward, *last = _listed(self.nested["forward"](x, *states[:half]))
        backward, *others = _listed(self.nested["backward"](x, *states[half:]))
        if config["returnSequences"]:  # both in the order of x
            if config["goBackwards"]:
                forward = forward.flip(1)
            else:
                backward = backward.flip(1)
        mode = self.config["mergeMode"]
        outputs = [forward, backward] if mode is None else [MERGES[mode](forward, backward)]
        outputs = [set_mask(y * 1, mask_of(x) if config["returnSequences"] else None) for y in outputs]
        results = [*outputs, *last, *others]
        return results[0] if len(results) == 1 else results


def _listed(result: Any) -> List[Tensor]:
    return list(result) if isinstance(result, (list, tuple)) else [result]


class TimeDistributed(Layer):
    """A layer on each step."""

    def build(self) -> None:
        self.inner("layer", self.config["layer"]["kind"], self.config["layer"]["config"])

    def forward(self, x: Tensor) -> Tensor:
        check(x.dim() > 2, "input", "[batch, steps, features, ...]", list(x.shape))
        y = self.nested["layer"](reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:])))
        return reshape(y, (*x.shape[:2], *y.shape[1:]))


class Masking(Layer):
    """A step counts unless all of its features are `maskValue`."""

    def forward(self, x: Tensor) -> Tensor:
        check(x.dim() > 2, "input", "[batch, steps, features, ...]", list(x.shape))
        counts = (x != self.config["maskValue"]).flatten(2).any(2).to(x.dtype)
        return set_mask(x * counts.reshape(*counts.shape, *[1] * (x.dim() - 2)), counts)


class Block(Layer):
    """Layers one after another."""

    def build(self) -> None:
        for name, layer in zip(self.config["names"], self.config["layers"]):
            self.inner(name, layer["kind"], layer["config"])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.nested.values():
            (x,) = called(layer, [x])
        return x


class Reweighted(Layer):
    """A layer whose kernels are computed from other weights, which lie beside them."""

    prefix = "layer"  # of the inner layer's name

    def build(self) -> None:
        layer = self.config["layer"]
        source = self.source
        frozen, source.frozen = source.frozen, source.frozen or self.freezes
        if self.prefix:
            inner = self.inner(self.prefix, layer["kind"], layer["config"])
        else:
            inner = make_layer(self.name, layer["kind"], layer["config"], self.trainable, source)
            self.add_module("layer", inner)
        source.frozen = frozen
        self.kernels: List[Tuple[Layer, str]] = []
        for module in inner.modules():
            if not isinstance(module, Layer) or isinstance(module, Reweighted):
                continue
            for own in list(module.own):
                kernel = getattr(module, own)
                if kernel.dim() > 1 and re.fullmatch("kernel|w[qkvo]", own):
                    module.source = source
                    self.beside(module, own, kernel.reshape(-1, kernel.shape[-1]))
                    module.source = None
                    self.kernels.append((module, own))
        check(bool(self.kernels), "inner layer", "one with a kernel", layer["kind"])

    freezes = False

    def beside(self, module: Layer, own: str, matrix: Tensor) -> None:
        """Makes the weights beside a kernel."""

    def kernel_of(self, module: Layer, own: str, matrix: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, *inputs: Tensor) -> Any:
        made: Dict[Tuple[Layer, str], Tensor] = {}
        for module, own in self.kernels:
            kernel = getattr(module, own)
            made[module, own] = self.kernel_of(module, own, kernel.reshape(-1, kernel.shape[-1])).reshape(kernel.shape)
        before = {(module, own): module.__dict__.get(own) for module, own in made}
        for (module, own), kernel in made.items():
            module.__dict__[own] = kernel  # is found before the parameter of that name
        try:
            return getattr(self, "layer")(*inputs)
        finally:
            for (module, own), kernel in before.items():
                if kernel is None:
                    del module.__dict__[own]
                else:
                    module.__dict__[own] = kernel


def _unit(x: Tensor) -> Tensor:
    return x / (x * x).sum(1, keepdim=True).sqrt().clamp(min=1e-12)


class SpectralNormalization(Reweighted):
    """The kernel over its largest singular value, which a power iteration finds in training."""

    def beside(self, module: Layer, own: str, matrix: Tensor) -> None:
        module.weight(f"{own}_u", (1, matrix.shape[1]), trainable=False)
        module.weight(f"{own}_v", (1, matrix.shape[0]), trainable=False)

    def kernel_of(self, module: Layer, own: str, matrix: Tensor) -> Tensor:
        kept_u, kept_v = getattr(module, f"{own}_u"), getattr(module, f"{own}_v")
        u, v = kept_u.clone(), kept_v.clone()
        if self.training:
            with torch.no_grad():
                for _ in range(self.config["powerIterations"]):
                    u = _unit(v @ matrix)
                    v = _unit(u @ matrix.t())
                kept_u.copy_(u)
                kept_v.copy_(v)
        return matrix / (v @ matrix @ u.t())


class WeightNormalization(Reweighted):
    """Each column of the kernel has a length of its own, a weight."""

    def beside(self, module: Layer, own: str, matrix: Tensor) -> None:
        module.weight(f"{own}_g", (matrix.shape[1],))

    def kernel_of(self, module: Layer, own: str, matrix: Tensor) -> Tensor:
        lengths = (matrix * matrix).sum(0, keepdim=True).sqrt().clamp(min=1e-12)
        return matrix * (getattr(module, f"{own}_g") / lengths)


class Lora(Reweighted):
    """kernel + (alpha / rank) A B, of which A and B alone train."""

    prefix = ""
    freezes = True

    def beside(self, module: Layer, own: str, matrix: Tensor) -> None:
        rank = self.config["rank"]
        module.weight(f"{own}_lora_a", (matrix.shape[0], rank))
        module.weight(f"{own}_lora_b", (rank, matrix.shape[1]))

    def kernel_of(self, module: Layer, own: str, matrix: Tensor) -> Tensor:
        change = getattr(module, f"{own}_lora_a") @ getattr(module, f"{own}_lora_b")
        return matrix + change * (self.config["alpha"] / self.config["rank"])


KINDS = {
    "bidirectional": Bidirectional,
    "timeDistributed": TimeDistributed,
    "masking": Masking,
    "block": Block,
    "spectralNormalization": SpectralNormalization,
    "weightNormalization": WeightNormalization,
    "adapted": Lora,
}
