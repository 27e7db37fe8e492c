"""Axes and windows that several layers share. Channels are last, as in lanegrad; `channels_first` moves them for PyTorch."""

from typing import Any, Callable, List, Sequence, Tuple, Union

import torch.nn.functional as F
from torch import Tensor

from ..errors import check, fail

Axes = Union[int, Sequence[int]]
Padding = Union[str, Sequence[Sequence[int]]]


def axes_of(x: Tensor, axes: Axes) -> List[int]:
    """The axes that `axes` names, in ascending order."""
    found = sorted(axis + x.dim() if axis < 0 else axis for axis in ([axes] if isinstance(axes, int) else axes))
    fits = all(0 < axis < x.dim() for axis in found) and len(set(found)) == len(found)
    check(fits, "axis", f"different axes of an input of rank {x.dim()}", axes)
    return found


def axes_last(x: Tensor, axes: Axes) -> Tuple[Tensor, List[int], Callable[[Tensor], Tensor]]:
    """x with the axes last and merged, their sizes, and a function that moves a value of that form back."""
    chosen = axes_of(x, axes)
    sizes = [x.shape[axis] for axis in chosen]
    if chosen == [x.dim() - 1]:
        return x, sizes, lambda y: y
    others = [axis for axis in range(x.dim()) if axis not in chosen]
    order = others + chosen
    moved = x.permute(order)
    back = [order.index(axis) for axis in range(x.dim())]
    return moved.flatten(len(others)), sizes, lambda y: y.reshape(moved.shape).permute(back)


def channels_first(x: Tensor) -> Tensor:
    return x.movedim(-1, 1)


def channels_last(x: Tensor) -> Tensor:
    return x.movedim(1, -1)


def spatial(x: Tensor, axes: int) -> Tensor:
    """x, which must have so many axes between batch and channels."""
    check(x.dim() == axes + 2, "input", f"{axes} axes between batch and channels", list(x.shape))
    return x


def windows(sizes: Sequence[int], spans: Sequence[int], strides: Sequence[int], padding: Padding) -> List[Tuple[int, int]]:
    """The cells of padding before and after each axis for windows of these spans."""
    pairs = []
    for i, (size, span, stride) in enumerate(zip(sizes, spans, strides)):
        same = max((-(-size // stride) - 1) * stride + span - size, 0)
        if padding == "valid":
            pair = (0, 0)
        elif padding == "same":
            pair = (same // 2, same - same // 2)
        elif padding == "causal":
            pair = (span - 1, 0)
        else:
            pair = (padding[i][0], padding[i][1])
        if pair[0] + size + pair[1] < span:
            fail(f"a window spans {span} cells of axis {i + 1}, the input (with padding) has {sum(pair) + size}")
        pairs.append(pair)
    return pairs


def padded(x: Tensor, pairs: Sequence[Tuple[int, int]], value: float = 0) -> Tensor:
    """x [batch, channels, ...axes] with cells before and after those of each axis; negative numbers cut cells off."""
    if all(pair == (0, 0) for pair in pairs):
        return x
    return F.pad(x, [n for pair in reversed(pairs) for n in pair], value=value)


def spans_of(sizes: Sequence[int], dilations: Sequence[int]) -> List[int]:
    return [(size - 1) * dilation + 1 for size, dilation in zip(sizes, dilations)]


def resized(x: Tensor, axis: int, size: int, linear: bool, grid: str) -> Tensor:
    """One axis in another size. Output o lies at (start + o step) / full; the nearest cell is that rounded down.

    `grid`: 'halfPixel' (edges meet), 'start' (first cells meet) or 'corners' (first and last cells meet).
    """
    count = x.shape[axis]
    if size == count:
        return x
    if grid == "corners":
        start, step, full = (0, 0, 1) if size == 1 else (0 if linear else size - 1, 2 * (count - 1), 2 * (size - 1))
    else:
        start, step, full = (0 if grid == "start" else count - size if linear else count), 2 * count, 2 * size
    lows, shares = [], []
    for o in range(size):
        low, rest = divmod(max(start + o * step, 0), full)
        lows.append(min(low, count - 1))
        shares.append(rest / full if linear and low < count - 1 else 0.0)
    low = x.index_select(axis, x.new_tensor(lows).long())
    if not any(shares):
        return low
    high = x.index_select(axis, x.new_tensor([min(at + 1, count - 1) for at in lows]).long())
    share = x.new_tensor(shares).reshape([-1] + [1] * (x.dim() - axis - 1))
    return low * (1 - share) + high * share


def each_axis(value: Any) -> List[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
