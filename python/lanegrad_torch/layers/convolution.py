"""Convolutions, transposed and separable ones. Kernels are [...sizes, in / groups, filters], as in lanegrad."""

from typing import Any, Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor

from ..activations import activation_of
from ..errors import check, fail
from .base import Layer
from .shapes import Padding, channels_first, channels_last, padded, spans_of, spatial, windows

CONVOLVE = (F.conv1d, F.conv2d, F.conv3d)
TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


def convolve(
    x: Tensor, kernel: Tensor, strides: Sequence[int], dilations: Sequence[int], padding: Padding, groups: int = 1
) -> Tensor:
    """x [batch, ...axes, channels] by a kernel [...sizes, channels / groups, filters]."""
    rank = x.dim() - 2
    check(x.shape[-1] == kernel.shape[-2] * groups, "input", f"{kernel.shape[-2] * groups} channels", x.shape[-1])
    pairs = windows(x.shape[1:-1], spans_of(kernel.shape[:-2], dilations), strides, padding)
    # of one filter, PyTorch can't differentiate a kernel whose cells lie in another order than its axes
    weight = kernel.permute(rank + 1, rank, *range(rank)).contiguous()
    y = CONVOLVE[rank - 1](
        padded(channels_first(x), pairs), weight, stride=tuple(strides), dilation=tuple(dilations), groups=groups
    )
    return channels_last(y)


class Convolution(Layer):
    """What all of them have: bias and activation."""

    rank = 2

    def bias_of(self, filters: int) -> None:
        if self.config["useBias"]:
            self.weight("bias", (filters,))
        self.activation = activation_of(self.config["activation"])

    def finish(self, y: Tensor) -> Tensor:
        return self.activation(y + self.bias if self.config["useBias"] else y)


class Conv(Convolution):
    def build(self) -> None:
        c = self.config
        self.weight("kernel", (*c["kernelSize"], None, c["filters"]))
        self.bias_of(c["filters"])

    def forward(self, x: Tensor) -> Tensor:
        c = self.config
        x = spatial(x, self.rank)
        return self.finish(convolve(x, self.kernel, c["strides"], c["dilationRate"], c["padding"], c["groups"]))


class ConvTranspose(Convolution):
    """The transpose of a convolution; kernel [...sizes, filters / groups, channels]."""

    def build(self) -> None:
        c = self.config
        self.weight("kernel", (*c["kernelSize"], c["filters"] // c["groups"], None))
        self.bias_of(c["filters"])

    def _size(self, size: int, span: int, i: int) -> int:
        c = self.config
        stride, padding, more = c["strides"][i], c["padding"], c["outputPadding"]
        if isinstance(padding, str) and more is None:
            return size * stride + (0 if padding == "same" else max(span - stride, 0))
        cut = sum(padding[i]) if not isinstance(padding, str) else 2 * (span // 2) if padding == "same" else 0
        return (size - 1) * stride + span - cut + (more[i] if more else 0)

    def forward(self, x: Tensor) -> Tensor:
        c = self.config
        x, rank = spatial(x, self.rank), self.rank
        spans = spans_of(c["kernelSize"], c["dilationRate"])
        sizes = [self._size(size, span, i) for i, (size, span) in enumerate(zip(x.shape[1:-1], spans))]
        if min(sizes) < 1:
            fail(f"padding {c['padding']} leaves nothing of the output")
        pairs = windows(sizes, spans, c["strides"], c["padding"])
        weight = self.kernel.permute(rank + 1, rank, *range(rank))
        whole = TRANSPOSED[rank - 1](
            channels_first(x), weight, stride=tuple(c["strides"]), dilation=tuple(c["dilationRate"]), groups=c["groups"]
        )
        cuts = [(-pair[0], size + pair[0] - n) for pair, size, n in zip(pairs, sizes, whole.shape[2:])]
        return self.finish(channels_last(padded(whole, cuts)))


def by_channel(x: Tensor, kernel: Tensor, config: Mapping[str, Any]) -> Tensor:
    """Each channel of x by filters of its own; kernel [...sizes, channels, multiplier]."""
    rank = x.dim() - 2
    *sizes, channels, multiplier = kernel.shape
    grouped = kernel.reshape(*sizes, 1, channels * multiplier)
    return convolve(spatial(x, rank), grouped, config["strides"], config["dilationRate"], config["padding"], channels)


class DepthwiseConv(Convolution):
    def build(self) -> None:
        c = self.config
        kernel = self.weight("kernel", (*c["kernelSize"], None, c["depthMultiplier"]), option="depthwise")
        self.bias_of(kernel.shape[-2] * kernel.shape[-1])

    def forward(self, x: Tensor) -> Tensor:
        return self.finish(by_channel(spatial(x, self.rank), self.kernel, self.config))


class SeparableConv(Convolution):
    """A convolution of each channel, then one across channels."""

    def build(self) -> None:
        c = self.config
        depth = self.weight("depthwise_kernel", (*c["kernelSize"], None, c["depthMultiplier"]), option="depthwise")
        channels = depth.shape[-2] * depth.shape[-1]
        self.weight("pointwise_kernel", (*[1] * self.rank, channels, c["filters"]), option="pointwise")
        self.bias_of(c["filters"])

    def forward(self, x: Tensor) -> Tensor:
        y = by_channel(spatial(x, self.rank), self.depthwise_kernel, self.config)
        return self.finish(y @ self.pointwise_kernel.reshape(self.pointwise_kernel.shape[-2:]))


def _of_rank(kind: type, rank: int) -> type:
    return type(f"{kind.__name__}{rank}d", (kind,), {"rank": rank, "__doc__": kind.__doc__})


KINDS = {
    **{f"conv{n}d": _of_rank(Conv, n) for n in (1, 2, 3)},
    **{f"conv{n}dTranspose": _of_rank(ConvTranspose, n) for n in (1, 2, 3)},
    **{f"depthwiseConv{n}d": _of_rank(DepthwiseConv, n) for n in (1, 2)},
    **{f"separableConv{n}d": _of_rank(SeparableConv, n) for n in (1, 2)},
}
