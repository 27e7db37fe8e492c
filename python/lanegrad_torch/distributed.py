"""Sums over the processes of a group; with one process nothing happens."""

from typing import Any, List, Sequence

import torch
import torch.distributed as dist
from torch import Tensor


def world() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    return dist.get_rank() if world() > 1 else 0


class Lost(RuntimeError):
    """Another process has gone, so that a sum over all of them can't be had."""


def reduced(total: Tensor) -> Tensor:
    """The sum over processes, in place."""
    try:
        dist.all_reduce(total)
    except RuntimeError as error:
        raise Lost(str(error)) from error
    return total


class _AllSum(torch.autograd.Function):
    """The sum over processes; its gradient is the sum of the gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return reduced(x.contiguous().clone())

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        return reduced(dy.contiguous().clone())


def all_sum(x: Tensor) -> Tensor:
    """The sum of a tensor over all processes, which differentiates."""
    return x if world() == 1 else _AllSum.apply(x)


def add_numbers(numbers: Sequence[float], device: torch.device) -> List[float]:
    """The sums of numbers over all processes, in float64."""
    if world() == 1:
        return list(numbers)
    return reduced(torch.tensor(list(numbers), dtype=torch.float64, device=device)).tolist()


def add_gradients(gradients: List[Tensor]) -> List[Tensor]:
    """The sums of gradients over all processes: one message for all."""
    if world() == 1 or not gradients:
        return gradients
    flat = reduced(torch.cat([g.reshape(-1) for g in gradients]))
    result, at = [], 0
    for g in gradients:
        result.append(flat[at : at + g.numel()].view_as(g))
        at += g.numel()
    return result


def barrier() -> None:
    if world() > 1:
        dist.barrier()
