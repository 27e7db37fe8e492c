"""Layers of several inputs, and embeddings."""

from functools import reduce
from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..activations import activation_of
from ..errors import check
from ..tensors import mask_of, set_mask
from .base import Layer
from .normalization import unit


class Merge(Layer):
    """Folds a function over two inputs or more, whose shapes broadcast."""

    combine: Callable[[Tensor, Tensor], Tensor] = torch.add

    def forward(self, *inputs: Tensor) -> Tensor:
        rank = max(x.dim() for x in inputs)
        wide = [x.reshape(x.shape[0], *[1] * (rank - x.dim()), *x.shape[1:]) for x in inputs]
        y = reduce(type(self).combine, wide)
        if any(x.shape != inputs[0].shape for x in inputs):
            masks = [mask_of(x) for x in inputs if x.dim() == y.dim() and mask_of(x) is not None]
            set_mask(y, reduce(torch.mul, masks).expand(y.shape[:2]) if masks else None)
        return y


class Add(Merge):
    combine = torch.add


class Subtract(Merge):
    combine = torch.sub


class Multiply(Merge):
    combine = torch.mul


class Average(Merge):
    combine = torch.add

    def forward(self, *inputs: Tensor) -> Tensor:
        y = super().forward(*inputs)
        mean = y / len(inputs)
        if getattr(y, "lanegrad_mask_is_set", False):
            set_mask(mean, mask_of(y))
        return mean


class Maximum(Merge):
    """Of equal elements the second one takes the gradient; of `minimum` the first one."""

    @staticmethod
    def combine(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(a > b, a, b)


class Minimum(Merge):
    @staticmethod
    def combine(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(a <= b, a, b)


class Concatenate(Layer):
    def forward(self, *inputs: Tensor) -> Tensor:
        axis = self.config["axis"] % inputs[0].dim()
        y = torch.cat(inputs, axis)
        if axis == 1 and any(mask_of(x) is not None for x in inputs):
            masks = [x.new_ones(x.shape[:2]) if mask_of(x) is None else mask_of(x) for x in inputs]
            set_mask(y, torch.cat(masks, 1))
        return y


class Dot(Layer):
    """Scalar products along one axis of each of two inputs."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        sides, rests = [], []
        for x, axis in zip((a, b), self.config["axes"]):
            axis %= x.dim()
            check(x.dim() in (2, 3) and axis > 0, "inputs", "of rank 2 or 3", list(x.shape))
            value = unit(x, [axis], 1e-14) if self.config["normalize"] else x
            matrix = value.unsqueeze(1) if x.dim() == 2 else value.movedim(axis, -1)
            sides.append(matrix)
            rests.extend(n for at, n in enumerate(x.shape) if at not in (0, axis))
        y = sides[0] @ sides[1].transpose(1, 2)
        return set_mask(y.reshape(a.shape[0], *(rests or [1])), None)


class EinsumDense(Layer):
    """A dense layer whose product is written as an equation of axes."""

    def build(self) -> None:
        self.equation: str = self.config["equation"]
        self.weight("kernel", (None,) * len(self.equation.split(",")[1].split("->")[0]))
        self.bias_axes = self.config["biasAxes"]
        if self.bias_axes is not None:
            output = self.equation.split("->")[1]
            self.weight("bias", (None,) * sum(letter in self.bias_axes for letter in output))
        self.activation = activation_of(self.config["activation"])

    def forward(self, x: Tensor) -> Tensor:
        y = torch.einsum(self.equation, x, self.kernel)
        if self.bias_axes is not None:
            output = self.equation.split("->")[1]
            letters = list(output.replace("...", "." * (y.dim() - len(output.replace("...", "")))))
            y = y + self.bias.reshape([n if own in self.bias_axes else 1 for own, n in zip(letters, y.shape)])
        return self.activation(y)


class Embedding(Layer):
    """Rows of a table by int32 ids."""

    def build(self) -> None:
        self.weight("embeddings", (self.config["inputDim"], self.config["outputDim"]))

    def forward(self, ids: Tensor) -> Tensor:
        check(not ids.is_floating_point(), "input", 'int32 ids (an input of dtype "int32")', ids.dtype)
        self.network.limit(ids, self.config["inputDim"], self.name)
        y = F.embedding(ids.long(), self.embeddings)
        if self.config["maskZero"] and ids.dim() == 2:
            set_mask(y, (ids != 0).float())
        return y


class PositionEmbedding(Layer):
    def build(self) -> None:
        self.weight("position", (self.config["length"], None))

    def forward(self, x: Tensor) -> Tensor:
        steps = self.position.shape[0]
        fits = x.dim() == 3 and (x.shape[1] == steps or (self.config["length"] is not None and x.shape[1] < steps))
        check(fits, "input", f"[batch, steps, channels] of {steps} steps", list(x.shape))
        return x + self.position[: x.shape[1]]


KINDS = {
    "add": Add,
    "subtract": Subtract,
    "multiply": Multiply,
    "average": Average,
    "maximum": Maximum,
    "minimum": Minimum,
    "concatenate": Concatenate,
    "dot": Dot,
    "einsumDense": EinsumDense,
    "embedding": Embedding,
    "positionEmbedding": PositionEmbedding,
}
