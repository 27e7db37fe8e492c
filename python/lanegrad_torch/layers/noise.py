"""Dropout and noise: active in training, the identity otherwise. The numbers are PyTorch's and not lanegrad's."""

import math
from typing import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import Layer
from .shapes import spatial

SELU_LOWEST = -1.6732632423543772 * 1.0507009873554805


def kept(x: Tensor, shape: Sequence[int], rate: float) -> Tensor:
    """Factors 0, or 1 / (1 - rate)."""
    return F.dropout(x.new_ones(tuple(shape)), rate)


class Rate(Layer):
    """What drops at a rate."""

    def noisy(self, x: Tensor, rate: float) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        rate = self.config["rate"]
        return self.noisy(x, rate) if self.training and rate > 0 else x


class Dropout(Rate):
    def noisy(self, x: Tensor, rate: float) -> Tensor:
        shape = self.config["noiseShape"]
        if shape is None:
            return F.dropout(x, rate)
        return x * kept(x, [n or x.shape[i] for i, n in enumerate(shape)], rate)


class SpatialDropout(Rate):
    """Drops whole channels."""

    axes = 2

    def noisy(self, x: Tensor, rate: float) -> Tensor:
        spatial(x, self.axes)
        return x * kept(x, [1 if 0 < i <= self.axes else n for i, n in enumerate(x.shape)], rate)


class SpatialDropout1d(SpatialDropout):
    axes = 1


class SpatialDropout3d(SpatialDropout):
    axes = 3


class AlphaDropout(Rate):
    def noisy(self, x: Tensor, rate: float) -> Tensor:
        a = 1 / math.sqrt((1 - rate) * (1 + rate * SELU_LOWEST**2))
        return F.dropout(x - SELU_LOWEST, rate) * (a * (1 - rate)) + a * SELU_LOWEST * (1 - rate)


class GaussianDropout(Rate):
    def noisy(self, x: Tensor, rate: float) -> Tensor:
        return x * (1 + torch.randn_like(x) * math.sqrt(rate / (1 - rate)))


class GaussianNoise(Layer):
    def forward(self, x: Tensor) -> Tensor:
        stddev = self.config["stddev"]
        return x + torch.randn_like(x) * stddev if self.training and stddev > 0 else x


class StochasticDepth(Rate):
    """Leaves out whole samples, or all."""

    def noisy(self, x: Tensor, rate: float) -> Tensor:
        rows = x.shape[0] if self.config["mode"] == "row" else 1
        return x * kept(x, [rows] + [1] * (x.dim() - 1), rate)


KINDS = {
    "dropout": Dropout,
    "spatialDropout1d": SpatialDropout1d,
    "spatialDropout2d": SpatialDropout,
    "spatialDropout3d": SpatialDropout3d,
    "alphaDropout": AlphaDropout,
    "gaussianDropout": GaussianDropout,
    "gaussianNoise": GaussianNoise,
    "stochasticDepth": StochasticDepth,
}
