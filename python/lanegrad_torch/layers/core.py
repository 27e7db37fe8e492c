"""Dense, activation and shape layers."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..activations import activation_of
from ..errors import fail
from ..tensors import made_of, reshape, set_mask
from .base import Layer


class Dense(Layer):
    """activation(x . kernel + bias) on the last axis. Weights kernel [in, units], bias [units]."""

    def build(self) -> None:
        units = self.config["units"]
        self.tied_to = self.config.get("tiedTo")
        if self.tied_to is None:
            self.weight("kernel", (None, units))
        if self.config["useBias"]:
            self.weight("bias", (units,))
        self.activation = activation_of(self.config["activation"])

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel if self.tied_to is None else self.network.tied(self).t()
        y = torch.matmul(x, kernel)
        return self.activation(y + self.bias if self.config["useBias"] else y)


class Activation(Layer):
    def build(self) -> None:
        self.activation = activation_of(self.config["activation"])

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x)


class Relu(Layer):
    """relu with a largest output, a slope below and a threshold."""

    def forward(self, x: Tensor) -> Tensor:
        most, slope, threshold = self.config["maxValue"], self.config["negativeSlope"], self.config["threshold"]
        if threshold == 0:
            y = F.leaky_relu(x, slope) if slope else F.relu(x)
        else:
            y = torch.where(x > threshold, x, torch.zeros_like(x))
        if most is not None:
            y = y - F.relu(y - most)
        if threshold == 0 or slope == 0:
            return y
        return y - slope * F.relu(threshold - x)


class Softmax(Layer):
    """softmax over one axis or several."""

    def forward(self, x: Tensor) -> Tensor:
        axis = self.config["axis"]
        axes = sorted(n % x.dim() for n in (axis if isinstance(axis, list) else [axis]))
        if axes == [x.dim() - 1]:
            return made_of(torch.softmax(x, -1), "softmax", x)
        others = [n for n in range(x.dim()) if n not in axes]
        moved = x.permute(others + axes)
        y = torch.softmax(moved.flatten(len(others)), -1).reshape(moved.shape)
        return y.permute([(others + axes).index(n) for n in range(x.dim())])


class Prelu(Layer):
    """max(x, 0) + alpha min(x, 0)."""

    def build(self) -> None:
        self.weight("alpha", (None,) * len(self.source.arrays[f"{self.name}/alpha"].shape))

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, x, self.alpha * x)


class Flatten(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return reshape(x, (x.shape[0], x[0].numel() if x.shape[0] else x.shape[1:].numel()))


class Reshape(Layer):
    def forward(self, x: Tensor) -> Tensor:
        shape = tuple(self.config["targetShape"])
        if x.shape[1:].numel() != torch.Size(shape).numel():
            fail(f"expected as many elements as {list(shape)}; got {list(x.shape[1:])}")
        y = reshape(x, (x.shape[0], *shape))
        return y if y is x else set_mask(y, None)


class Permute(Layer):
    def forward(self, x: Tensor) -> Tensor:
        dims = self.config["dims"]
        if dims == sorted(dims):
            return x
        return set_mask(x.permute(0, *dims), None)


KINDS = {
    "dense": Dense,
    "activation": Activation,
    "relu": Relu,
    "softmax": Softmax,
    "prelu": Prelu,
    "flatten": Flatten,
    "reshape": Reshape,
    "permute": Permute,
}
