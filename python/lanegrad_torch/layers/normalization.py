"""Normalization layers. Channels are the axes that the option `axis` names."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import distributed
from ..errors import check
from ..tensors import as_float
from .base import Layer
from .shapes import axes_last, axes_of


class Affine(Layer):
    """Weights gamma and beta, as far as the config has them, of the sizes of the channels' axes."""

    def build(self) -> None:
        axis = self.config["axis"]
        self.axes = (None,) * (len(axis) if isinstance(axis, list) else 1)
        if self.config["scale"]:
            self.weight("gamma", self.axes)
        if self.config["center"]:
            self.weight("beta", self.axes)

    def affine(self, y: Tensor) -> Tensor:
        if self.config["scale"]:
            y = y * self.gamma.flatten()
        return y + self.beta.flatten() if self.config["center"] else y


class BatchNormalization(Affine):
    """By the statistics of the batch, in training over all processes, or by moving ones.

    The moving variance follows the biased variance of batches, unlike PyTorch's, unless `unbiasedRunningVar`.
    """

    def build(self) -> None:
        super().build()
        self.weight("moving_mean", self.axes, trainable=False)
        self.weight("moving_variance", self.axes, trainable=False)

    def forward(self, x: Tensor) -> Tensor:
        epsilon, momentum = self.config["epsilon"], self.config["momentum"]
        rows, sizes, back = axes_last(x, self.config["axis"])
        if not self.training or not self.trainable:
            factor = (self.moving_variance.flatten() + epsilon).rsqrt()
            return back(self.affine((rows - self.moving_mean.flatten()) * factor))
        others = list(range(rows.dim() - 1))
        count = float(rows[..., 0].numel())
        if distributed.world() > 1:
            (count,) = distributed.add_numbers([count], rows.device)
        mean = distributed.all_sum(rows.sum(others)) / count
        centered = rows - mean
        variance = distributed.all_sum((centered * centered).sum(others)) / count
        correction = count / (count - 1) if self.config["unbiasedRunningVar"] and count > 1 else 1
        with torch.no_grad():
            self.moving_mean.mul_(momentum).add_(mean.reshape(sizes), alpha=1 - momentum)
            self.moving_variance.mul_(momentum).add_(variance.reshape(sizes), alpha=(1 - momentum) * correction)
        return back(self.affine(centered * (variance + epsilon).rsqrt()))


class LayerNormalization(Affine):
    def forward(self, x: Tensor) -> Tensor:
        rows, _, back = axes_last(x, self.config["axis"])
        return back(self.affine(F.layer_norm(rows, rows.shape[-1:], eps=self.config["epsilon"])))


class RmsNormalization(Layer):
    def build(self) -> None:
        axis = self.config["axis"]
        self.weight("scale", (None,) * (len(axis) if isinstance(axis, list) else 1))

    def forward(self, x: Tensor) -> Tensor:
        rows, _, back = axes_last(x, self.config["axis"])
        return back(rows * ((rows * rows).mean(-1, keepdim=True) + self.config["epsilon"]).rsqrt() * self.scale.flatten())


class GroupNormalization(Affine):
    """By the statistics of each sample's groups of channels."""

    def forward(self, x: Tensor) -> Tensor:
        rows, _, back = axes_last(x, self.config["axis"])
        channels, groups = rows.shape[-1], self.config["groups"]
        groups = channels if groups == -1 else groups
        check(channels % groups == 0, "channels", f"a multiple of {groups} groups", channels)
        parts = rows.reshape(rows.shape[0], -1, groups, channels // groups)
        centered = parts - parts.mean((1, 3), keepdim=True)
        variance = (centered * centered).mean((1, 3), keepdim=True)
        return back(self.affine((centered * (variance + self.config["epsilon"]).rsqrt()).reshape(rows.shape)))


def unit(x: Tensor, axes: list, least: float) -> Tensor:
    """x / sqrt(max(|x|^2, least)) along axes."""
    return x / (x * x).sum(axes, keepdim=True).clamp(min=least).sqrt()


class UnitNormalization(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return unit(x, axes_of(x, self.config["axis"]), 1e-12)


# ---- preprocessing


def _per_channel(x: Tensor, value: object, axis: object = -1) -> object:
    """Numbers that broadcast to x: a list has one for each place on the axes."""
    if not isinstance(value, list):
        return value
    chosen = axes_of(x, axis)
    shape = [n if at in chosen else 1 for at, n in enumerate(x.shape)][chosen[0] :]
    check(len(value) == torch.Size(shape).numel(), "channels", f"{len(value)} of them", list(x.shape))
    return torch.tensor(value, dtype=torch.float32, device=x.device).reshape(shape)


class Rescaling(Layer):
    def forward(self, x: Tensor) -> Tensor:
        x = as_float(x)
        y = x * _per_channel(x, self.config["scale"])
        return y if self.config["offset"] == 0 else y + _per_channel(x, self.config["offset"])


class Normalization(Layer):
    """(x - mean) / sqrt(variance) by numbers of the config."""

    def forward(self, x: Tensor) -> Tensor:
        x = as_float(x)
        axis, mean, variance = self.config["axis"], self.config["mean"], self.config["variance"]
        deviations = [max(v**0.5, 1e-7) for v in variance] if isinstance(variance, list) else max(variance**0.5, 1e-7)
        # in float64, as a mean may be far larger than the deviation
        means = torch.tensor(mean, dtype=torch.float64, device=x.device)
        if isinstance(mean, list):
            means = means.reshape(_per_channel(x, mean, axis).shape)
        return (x - means).to(torch.float32) / _per_channel(x, deviations, axis)


class CategoryEncoding(Layer):
    """Ids as rows with 1, or a count, for each that occurs; ids outside of the table count nowhere."""

    def forward(self, x: Tensor) -> Tensor:
        tokens, mode = self.config["numTokens"], self.config["outputMode"]
        check(not x.is_floating_point(), "input", "int32 ids", x.dtype)
        ids = x.unsqueeze(-1) if mode == "oneHot" and (x.dim() == 1 or x.shape[-1] != 1) else x
        counts = (ids.unsqueeze(-1) == torch.arange(tokens, device=x.device)).float().sum(-2)
        return counts if mode == "count" else counts.clamp(max=1)


KINDS = {
    "batchNormalization": BatchNormalization,
    "layerNormalization": LayerNormalization,
    "rmsNormalization": RmsNormalization,
    "groupNormalization": GroupNormalization,
    "unitNormalization": UnitNormalization,
    "rescaling": Rescaling,
    "normalization": Normalization,
    "categoryEncoding": CategoryEncoding,
}
