"""The optimizer's state cut over the processes: each keeps that of some weights, and gives these to the others.

Gradients are averaged before, so that every process has those of its weights.
"""

from typing import Any, Dict, Iterator, List, Tuple

import torch
import torch.distributed as dist
from torch import Tensor

from .optimizers import Optimizer, Slots


def owners_of(sizes: List[int], processes: int) -> List[int]:
    """The process of each weight: the largest first, to whichever has the least so far."""
    loads = [0] * processes
    owners = [0] * len(sizes)
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        owners[i] = loads.index(min(loads))
        loads[owners[i]] += sizes[i]
    return owners


class Shares:
    """Who keeps the state of which weight. `optimizer` has the weights of this process alone from then on."""

    def __init__(self, optimizer: Optimizer) -> None:
        groups: List[Dict[str, Any]] = list(optimizer.param_groups)
        owners = owners_of([group["params"][0].numel() for group in groups], dist.get_world_size())
        self.optimizer = optimizer
        self.groups = list(zip(groups, owners))
        rank = dist.get_rank()
        for group, owner in self.groups:
            if owner != rank:
                optimizer.state.pop(group["params"][0])
        optimizer.param_groups[:] = [group for group, owner in self.groups if owner == rank]
        self.device = groups[0]["params"][0].device if groups else torch.device("cpu")
        optimizer.all_sum = self.all_sum
        optimizer.after_update = self.spread
        optimizer.states = self.states  # type: ignore[method-assign]

    def all_sum(self, number: Tensor) -> None:
        whole = number.to(self.device)
        dist.all_reduce(whole)
        number.copy_(whole)

    @torch.no_grad()
    def spread(self) -> None:
        """Gives the updated weights to all processes: one message from each of them."""
        for rank in range(dist.get_world_size()):
            own = [group["params"][0] for group, owner in self.groups if owner == rank]
            if not own:
                continue
            flat = torch.cat([p.reshape(-1) for p in own])
            dist.broadcast(flat, rank)
            for p, part in zip(own, flat.split([p.numel() for p in own])):
                p.copy_(part.view_as(p))

    def states(self) -> Iterator[Tuple[str, Slots]]:
        """The whole state, which files hold; every process has to ask for it."""
        for group, owner in self.groups:
            p: Tensor = group["params"][0]
            slots = self.optimizer.state.get(p) or {name: torch.empty_like(p) for name in self.optimizer.slot_names}
            for value in slots.values():
                dist.broadcast(value, owner)
            yield group["name"], slots
