"""A model cut over the processes, for models too large for one: each holds a part of every weight and of its optimizer's state.

A layer's weights are put together when it is called, and again where the backward pass needs them; in between they are gone.
The gradient of a weight comes back as the part that the process holds, summed over all of them. Moving statistics stay whole.
"""

from typing import Any, Dict, Sequence, Tuple

import torch
import torch.distributed as dist
from torch import Tensor, nn

from . import distributed
from .layers.base import Layer

Place = Tuple[Layer, str]  # a layer and the attribute of its weight


def _part(x: Tensor) -> Tensor:
    """This process's part of a tensor: flat, alike in all processes, with zeros behind the last one's."""
    world, rank = distributed.world(), distributed.rank()
    size = -(-x.numel() // world)
    flat = x.new_zeros(size * world)
    flat[: x.numel()] = x.reshape(-1)
    return flat[size * rank : size * (rank + 1)].clone()


def _whole(part: Tensor, shape: Sequence[int]) -> Tensor:
    parts = [torch.empty_like(part) for _ in range(distributed.world())]
    try:
        dist.all_gather(parts, part.contiguous())
    except RuntimeError as error:
        raise distributed.Lost(str(error)) from error
    return torch.cat(parts)[: torch.Size(shape).numel()].reshape(tuple(shape))


class _Gather(torch.autograd.Function):
    """The whole of a weight; its gradient is this process's part of the sum over all."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, shape: Tuple[int, ...]) -> Tensor:
        return _whole(part, shape)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tuple[Tensor, None]:
        return _part(distributed.reduced(dy.contiguous().clone())), None


def _storage(x: Tensor) -> int:
    return (x.untyped_storage() if hasattr(x, "untyped_storage") else x.storage()).data_ptr()


class Shards:
    """Replaces the parameters of a network by this process's parts of them."""

    def __init__(self, network: nn.Module) -> None:
        self.shapes: Dict[str, Tuple[int, ...]] = {}  # of the wholes, by lanegrad's names
        self._live: Dict[int, Place] = {}  # wholes that a layer is using, by where they lie
        for layer in network.layers.values():
            places = [(module, own) for module in layer.modules() if isinstance(module, Layer) for own in module.own]
            places = [(module, own) for module, own in places if own in module._parameters]
            for module, own in places:
                whole = module._parameters[own]
                self.shapes[module.own[own].name] = tuple(whole.shape)
                module._parameters[own] = nn.Parameter(_part(whole.detach()), requires_grad=whole.requires_grad)
            layer.register_forward_pre_hook(lambda *_, places=places: self._put_together(places))
            layer.register_forward_hook(lambda *_, places=places: self._take_apart(places))

    def part(self, whole: Tensor) -> Tensor:
        """This process's part of a weight, or of what has its shape."""
        return _part(whole)

    def whole(self, name: str, part: Tensor) -> Tensor:
        """The weight of that name, or what is cut as it is, put together; differentiates. Every process must ask for it."""
        return _Gather.apply(part, self.shapes[name]) if name in self.shapes else part

    def _put_together(self, places: Sequence[Place]) -> None:
        for module, own in places:
            whole = self.whole(module.own[own].name, module._parameters[own])
            module.__dict__[own] = whole  # is found before the parameter of that name
            self._live[_storage(whole)] = (module, own)

    def _take_apart(self, places: Sequence[Place]) -> None:
        for module, own in places:
            module.__dict__.pop(own, None)
        self._live = {at: place for at, place in self._live.items() if place not in places}

    def saving(self) -> Any:
        """A context in which nothing keeps a whole weight for the backward pass, which puts it together again."""

        def pack(x: Tensor) -> Any:
            place = self._live.get(_storage(x)) if x.numel() else None
            return x if place is None else (place, x.size(), x.stride(), x.storage_offset())

        def unpack(kept: Any) -> Tensor:
            if isinstance(kept, Tensor):
                return kept
            (module, own), size, stride, offset = kept
            whole = _whole(module._parameters[own].detach(), self.shapes[module.own[own].name])
            return whole.as_strided(size, stride, offset)

        return torch.autograd.graph.saved_tensors_hooks(pack, unpack)
