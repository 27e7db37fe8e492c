"""Losses by name: the terms of a prediction, one for each element or row. The formulas and slopes are lanegrad's.

A row is what lies on the last axis. A loss is the sum of its weighted terms, divided by their number.
"""

import math
from typing import Any, Callable, Dict, Mapping, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from .errors import unknown
from .tensors import logits_for

FLOOR = 1e-7  # least probability whose logarithm is taken
SQUARED_NORM_FLOOR = 1e-12

Loss = Mapping[str, Any]


class _Clamp(torch.autograd.Function):
    """clamp whose slope is 1 everywhere, so that a wrong 0 can recover."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float) -> Tensor:
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Any:
        return dy, None, None


def _clamp(x: Tensor, low: float, high: float = math.inf) -> Tensor:
    return _Clamp.apply(x, low, high)


def _log_cosh(x: Tensor, y: Tensor) -> Tensor:
    """|d| + log(1 + exp(-2|d|)) - log 2, and near 0, where that cancels, its series."""
    d = x - y
    a, z = d.abs(), d * d
    series = z * (0.5 + z * (-1 / 12 + z * (1 / 45 + z * (-17 / 2520))))
    return torch.where(a < 0.25, series, a + F.softplus(-2 * a) - math.log(2))


def _bce(x: Tensor, y: Tensor) -> Tensor:
    p = _clamp(x, FLOOR, 1 - FLOOR)
    return -(y * p.log() + (1 - y) * (1 - p).log())


def _shares(p: Tensor) -> Tensor:
    """A row divided by its sum, within [1e-7, 1 - 1e-7]."""
    total = p.sum(-1, keepdim=True)
    return _clamp(p / torch.where(total > 0, total, torch.ones_like(total)), FLOOR, 1 - FLOOR)


def _divergence(x: Tensor, y: Tensor) -> Tensor:
    p = _clamp(x, FLOOR).clamp(max=1)
    return -(y * (p / y.clamp(min=FLOOR)).log()).sum(-1)


def _categorical_hinge(x: Tensor, y: Tensor) -> Tensor:
    return F.relu(1 + ((1 - y) * x).max(-1).values - (y * x).sum(-1))


def _cosine(x: Tensor, y: Tensor) -> Tensor:
    squares = _clamp((x * x).sum(-1), SQUARED_NORM_FLOOR) * (y * y).sum(-1).clamp(min=SQUARED_NORM_FLOOR)
    return 1 - (x * y).sum(-1) * squares.rsqrt()


ELEMENTS: Dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "meanSquaredError": lambda x, y: (x - y) ** 2,
    "meanAbsoluteError": lambda x, y: (x - y).abs(),
    "logCosh": _log_cosh,
    "poisson": lambda x, y: x - y * _clamp(x, FLOOR).log(),
    "hinge": lambda x, y: F.relu(1 - y * x),
    "squaredHinge": lambda x, y: F.relu(1 - y * x) ** 2,
}
ROWS: Dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "klDivergence": _divergence,
    "categoricalHinge": _categorical_hinge,
    "cosineSimilarity": _cosine,
}
CROSSENTROPIES = ("binaryCrossentropy", "categoricalCrossentropy", "sparseCategoricalCrossentropy")
KINDS = (*ELEMENTS, "huber", *CROSSENTROPIES, *ROWS)


def check_loss(loss: Loss, custom: Mapping[str, Any]) -> None:
    kind = loss.get("kind")
    if kind not in KINDS and kind not in custom:
        unknown("loss", kind, [*KINDS, f"your own, by load(path, losses={{{kind!r}: function}})"])


def takes_labels(loss: Loss) -> bool:
    """Whether targets are integer class labels, one for each row."""
    return loss["kind"] == "sparseCategoricalCrossentropy"


def has_elements(loss: Loss) -> bool:
    """Whether each element is a term; else each row."""
    return loss["kind"] in ELEMENTS or loss["kind"] in ("huber", "binaryCrossentropy")


def activation_for(loss: Loss) -> str:
    return "sigmoid" if loss["kind"] == "binaryCrossentropy" else "softmax"


def terms_of(loss: Loss, x: Tensor, y: Tensor) -> Tensor:
    """The terms of the prediction x: [batch, ...] of elements, or of rows without the last axis. Ignored rows are 0.

    A cross-entropy of what a softmax or sigmoid has made is computed from the logits.
    """
    kind, smoothing = loss["kind"], loss["param"]
    if kind in ELEMENTS:
        return ELEMENTS[kind](x, y)
    if kind in ROWS:
        return ROWS[kind](x, y)
    if kind == "huber":
        return F.huber_loss(x, y, reduction="none", delta=loss["param"])
    logits: Optional[Tensor] = x if loss["fromLogits"] else logits_for(x, activation_for(loss))
    if kind == "binaryCrossentropy":
        y = y + smoothing * (0.5 - y)
        return _bce(x, y) if logits is None else F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    logs = _shares(x).log() if logits is None else torch.log_softmax(logits, -1)
    classes = x.shape[-1]
    if kind == "categoricalCrossentropy":
        y = y * (1 - smoothing) + smoothing / classes
        return -torch.where(y != 0, y * logs, torch.zeros_like(logs)).sum(-1)
    known = (y >= 0) & (y < classes)
    if loss["ignoreIndex"] is not None:
        known = known & (y != loss["ignoreIndex"])
    picked = -logs.gather(-1, y.clamp(0, classes - 1).long().unsqueeze(-1)).squeeze(-1)
    if smoothing:
        picked = (1 - smoothing) * picked - smoothing / classes * logs.sum(-1)
    return torch.where(known, picked, torch.zeros_like(picked))


def spread(weights: Tensor, terms: Tensor) -> Tensor:
    """Weights of rows or of their positions, under terms that may have further axes."""
    return weights.reshape(*weights.shape, *[1] * (terms.dim() - weights.dim()))
