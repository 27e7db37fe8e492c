"""Pooling, resizing, padding and cropping of the axes between batch and channels."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import check, fail
from ..tensors import as_float, mask_of, set_mask
from .base import Layer
from .convolution import _of_rank
from .shapes import channels_first, channels_last, padded, resized, spatial, windows

MAXIMA = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
MEANS = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
HUGE = 3e38  # the largest float32 that stays one when a number of usual size is added to it


def max_pool(x: Tensor, pool: list, strides: list, padding: object) -> Tensor:
    """The largest of each window; padded cells never win."""
    pairs = windows(x.shape[1:-1], pool, strides, padding)
    y = MAXIMA[len(pool) - 1](padded(channels_first(x), pairs, -float("inf")), tuple(pool), tuple(strides))
    return channels_last(y)


def average_pool(x: Tensor, pool: list, strides: list, padding: object) -> Tensor:
    """The mean of each window's cells, padded ones not counted."""
    pairs = windows(x.shape[1:-1], pool, strides, padding)
    mean = MEANS[len(pool) - 1]
    y = mean(padded(channels_first(x), pairs), tuple(pool), tuple(strides))
    if any(pair != (0, 0) for pair in pairs):
        ones = x.new_ones(1, 1, *x.shape[1:-1])
        y = y / mean(padded(ones, pairs), tuple(pool), tuple(strides))
    return channels_last(y)


class MaxPooling(Layer):
    rank = 2

    def forward(self, x: Tensor) -> Tensor:
        c = self.config
        return max_pool(spatial(x, self.rank), c["poolSize"], c["strides"], c["padding"])


class AveragePooling(Layer):
    rank = 2

    def forward(self, x: Tensor) -> Tensor:
        c = self.config
        return average_pool(spatial(x, self.rank), c["poolSize"], c["strides"], c["padding"])


class GlobalPooling(Layer):
    """All cells of a sample; masked steps are left out."""

    rank = 2

    def pooled(self, x: Tensor, mask: "Tensor | None") -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        spatial(x, self.rank)
        mask = mask_of(x) if self.config.get("useMask", True) else None
        if mask is not None:
            mask = mask.reshape(*mask.shape, *[1] * (x.dim() - mask.dim()))
        y = self.pooled(x, mask)
        if self.config["keepDims"]:
            y = y.reshape(y.shape[0], *[1] * self.rank, y.shape[1])
        return set_mask(y, None)


class GlobalMaxPooling(GlobalPooling):
    def pooled(self, x: Tensor, mask: "Tensor | None") -> Tensor:
        counted = x if mask is None else x + (mask - 1) * HUGE
        y = counted.flatten(1, -2).max(1).values
        return y if mask is None else y * mask.flatten(1, -2).amax(1)


class GlobalAveragePooling(GlobalPooling):
    def pooled(self, x: Tensor, mask: "Tensor | None") -> Tensor:
        axes = list(range(1, x.dim() - 1))
        if mask is None:
            return x.mean(axes)
        count = mask.reshape(mask.shape[:2]).sum(1, keepdim=True).clamp(min=1)
        return (x * mask).sum(axes) / (count * x.shape[2:-1].numel())


class UpSampling(Layer):
    rank = 2

    def forward(self, x: Tensor) -> Tensor:
        c = self.config
        linear = c.get("interpolation", "nearest") != "nearest"
        grid = "halfPixel" if c.get("halfPixel", True) else "start"
        y = spatial(x, self.rank)
        for i in reversed(range(self.rank)):
            y = resized(y, i + 1, c["size"][i] * x.shape[i + 1], linear, grid)
        return y


def _cropped(x: Tensor, sizes: list) -> Tensor:
    """The middle of images."""
    for i, size in enumerate(sizes):
        x = x.narrow(i + 1, (x.shape[i + 1] - size) // 2, size)
    return x


def _of_ratio(x: Tensor, height: int, width: int) -> list:
    """The sizes of the largest part of images that is as wide, for its height, as height x width."""
    h, w = x.shape[1:3]
    return [max(1, min(h, w * height // width)), max(1, min(w, h * width // height))]


class Resizing(Layer):
    def forward(self, x: Tensor) -> Tensor:
        c = self.config
        x = as_float(spatial(x, 2))
        if c["cropToAspectRatio"]:
            x = _cropped(x, _of_ratio(x, c["height"], c["width"]))
        grid = "corners" if c["alignCorners"] else "halfPixel" if c["halfPixel"] else "start"
        linear = c["interpolation"] == "bilinear"
        return resized(resized(x, 2, c["width"], linear, grid), 1, c["height"], linear, grid)


class CenterCrop(Layer):
    def forward(self, x: Tensor) -> Tensor:
        height, width = self.config["height"], self.config["width"]
        x = as_float(spatial(x, 2))
        if x.shape[1] >= height and x.shape[2] >= width:
            return _cropped(x, [height, width])
        x = _cropped(x, _of_ratio(x, height, width))
        return resized(resized(x, 2, width, True, "halfPixel"), 1, height, True, "halfPixel")


class ZeroPadding(Layer):
    rank = 2

    def forward(self, x: Tensor) -> Tensor:
        pairs = [tuple(pair) for pair in self.config["padding"]]
        return channels_last(padded(channels_first(spatial(x, self.rank)), pairs, self.config["value"]))


class Cropping(Layer):
    rank = 2

    def forward(self, x: Tensor) -> Tensor:
        spatial(x, self.rank)
        for i, (before, after) in enumerate(self.config["cropping"]):
            size = x.shape[i + 1] - before - after
            if size < 1:
                fail(f"cropping {before} + {after} of axis {i + 1} leaves nothing of {list(x.shape)}")
            x = x.narrow(i + 1, before, size) if before + after else x
        return x


class RepeatVector(Layer):
    def forward(self, x: Tensor) -> Tensor:
        check(x.dim() == 2, "input", "[batch, features]", list(x.shape))
        return set_mask(torch.stack([x] * self.config["n"], 1), None)


KINDS = {
    **{f"maxPooling{n}d": _of_rank(MaxPooling, n) for n in (1, 2, 3)},
    **{f"averagePooling{n}d": _of_rank(AveragePooling, n) for n in (1, 2, 3)},
    **{f"globalMaxPooling{n}d": _of_rank(GlobalMaxPooling, n) for n in (1, 2, 3)},
    **{f"globalAveragePooling{n}d": _of_rank(GlobalAveragePooling, n) for n in (1, 2, 3)},
    **{f"upSampling{n}d": _of_rank(UpSampling, n) for n in (1, 2, 3)},
    **{f"zeroPadding{n}d": _of_rank(ZeroPadding, n) for n in (1, 2, 3)},
    **{f"cropping{n}d": _of_rank(Cropping, n) for n in (1, 2, 3)},
    "resizing": Resizing,
    "centerCrop": CenterCrop,
    "repeatVector": RepeatVector,
}
