"""Constraints: what a weight is brought back to after each update. The formulas are Keras's."""

from typing import Any, Mapping

import torch
from torch import Tensor

from .errors import unknown

KINDS = ("maxNorm", "minMaxNorm", "nonNeg", "unitNorm")


def check_constraint(constraint: Mapping[str, Any]) -> None:
    if constraint.get("kind") not in KINDS:
        unknown("constraint", constraint.get("kind"), KINDS)


def constrain(w: Tensor, constraint: Mapping[str, Any]) -> None:
    """Changes w in place: w (rate clip(norm, low, high) + (1 - rate) norm) / (norm + 1e-7)."""
    kind = constraint["kind"]
    if kind == "nonNeg":
        w.clamp_(min=0)
        return
    low, high = (1, 1) if kind == "unitNorm" else (constraint["minValue"], constraint["maxValue"])
    rate = constraint["rate"]
    norm = (w.double() ** 2).sum(list(constraint["axis"]), keepdim=True).sqrt()
    w.mul_(((rate * norm.clamp(low, high) + (1 - rate) * norm) / (norm + 1e-7)).to(w.dtype))


def clip(gradients: list, kind: str, limit: float, all_sum: Any = None, are_parts: bool = False) -> None:
    """Limits gradients in place; `all_sum` adds up a tensor over processes that have some of the gradients each.

    `are_parts`: they have a part of each gradient.
    """
    if kind == "value":
        for g in gradients:
            g.clamp_(-limit, limit)
        return
    squares = [(g.double() ** 2).sum() for g in gradients]
    if kind == "globalNorm":
        whole = torch.stack(squares).sum() if squares else torch.zeros((), dtype=torch.float64)
        if all_sum is not None:
            all_sum(whole)
        squares = [whole] * len(gradients)
    elif are_parts and squares:
        each = torch.stack(squares)
        all_sum(each)
        squares = list(each)
    for g, square in zip(gradients, squares):
        norm = square.sqrt()
        is_over = (norm > limit) & torch.isfinite(norm)
        g.mul_(torch.where(is_over, limit / norm, torch.ones_like(norm)).to(g.dtype))
