"""What a model was compiled with: losses of outputs and their groups, penalties and added losses, as parts of one loss."""

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from . import distributed
from .errors import check, fail
from .losses import check_loss, spread, takes_labels, terms_of
from .network import Network, Run
from .tensors import mask_of

ROWS = "rows"  # the group of means over all rows
SUM = "sum"

TARGET_LIMITS = {
    "poisson": (0, np.inf),
    "hinge": (-1, 1),
    "squaredHinge": (-1, 1),
    "binaryCrossentropy": (0, 1),
    "categoricalCrossentropy": (0, np.inf),
    "klDivergence": (0, np.inf),
    "categoricalHinge": (0, 1),
}
ROUNDING = 1e-6


@dataclass
class Output:
    """An output with a loss."""

    name: str
    index: int  # among the network's outputs
    loss: Mapping[str, Any]
    weight: float
    group: str
    classes: int
    own: Any = None  # the user's function, if the loss is one of their own
    metrics: Sequence[Any] = ()
    weighted_metrics: Sequence[Any] = ()

    def target_shape(self, shape: List[Optional[int]]) -> List[Optional[int]]:
        """The shape of a row of the targets for a prediction whose rows have `shape`."""
        return shape[:-1] if takes_labels(self.loss) else shape

    def check_target(self, what: str, y: np.ndarray) -> None:
        if y.size == 0 or self.own is not None:
            return
        if takes_labels(self.loss):
            wrong = (y < 0) | (y >= self.classes)
            if self.loss["ignoreIndex"] is not None:
                wrong &= y != self.loss["ignoreIndex"]
            if wrong.any():
                fail(f"{what}: expected class labels from 0 to {self.classes - 1}; got {y[wrong].flat[0]}")
        elif self.loss["kind"] in TARGET_LIMITS:
            low, high = TARGET_LIMITS[self.loss["kind"]]
            fits = y.min() >= low - ROUNDING and y.max() <= high + ROUNDING
            check(bool(fits), what, f"targets from {low} to {high}", [float(y.min()), float(y.max())])


@dataclass
class Parts:
    groups: List[Tensor]
    factors: List[float]
    value: float
    terms: List[Tuple[str, float, float, bool]]  # name ('': penalties), value, what it counts beside other batches, whether it is a sum


class Training:
    """The losses of a file, and the config of its optimizer."""

    def __init__(
        self,
        data: Mapping[str, Any],
        network: Network,
        shapes: Sequence[Sequence[int]],
        masked: Sequence[bool],
        options: Mapping[str, Any],
    ) -> None:
        self.network = network
        own = options["losses"]
        places = {entry["name"]: i for i, entry in enumerate(network.outputs)}
        self.outputs: List[Output] = []
        try:
            self.optimizer: Mapping[str, Any] = data["optimizer"]
            for entry in data["outputs"]:
                name, loss = entry["output"], entry["loss"]
                check(name in places, "training: output", f"one of {', '.join(places)}", name)
                check_loss(loss, own)
                index = places[name]
                is_counted = masked[index] or loss["ignoreIndex"] is not None
                group = SUM if loss["reduction"] == "sum" else f"rows of {name}" if is_counted else ROWS
                function = own.get(loss["kind"]) if loss.get("custom") else None
                classes = shapes[index][-1] if shapes[index] else 0
                metrics = entry.get("metrics") or [], entry.get("weightedMetrics") or []
                self.outputs.append(Output(name, index, loss, entry["weight"], group, classes, function, *metrics))
            self.added = [(entry["kind"], entry["weight"]) for entry in data.get("added") or []]
        except (KeyError, TypeError, AttributeError) as error:
            fail(f"the file's training is damaged: {type(error).__name__}: {error}")
        for kind, _ in self.added:
            if kind not in own:
                fail(f"the file was compiled with its own loss {kind}: load(path, losses={{{kind!r}: function}})")
        self.own = own
        network.gives_values = bool(self.added)
        has_penalties = any(
            info.regularizer.get("l1", 0) > 0 or info.regularizer.get("l2", 0) > 0 for info, _ in network.weights().values()
        )
        groups = list(dict.fromkeys(output.group for output in self.outputs))
        self.penalties = next((group for group in groups if group != SUM), ROWS)
        if has_penalties:
            groups.append(self.penalties)
        if self.added:
            groups.append(ROWS)
        self.groups: List[str] = list(dict.fromkeys(groups))

    def parts(self, run: Run, targets: Sequence[Tensor], weights: Sequence[Optional[Tensor]], rows: int) -> Parts:
        """This process's part of the loss of each group, and the whole loss over all processes."""
        device = run.predictions[0].device
        sums: List[Tensor] = []
        counts: List[float] = [float(rows)]
        for output, y, w in zip(self.outputs, targets, weights):
            total, count = _sum_and_count(output, run.predictions[output.index], y, w)
            sums.append(total)
            counts.append(count)
        all_rows, *all_counts = distributed.add_numbers(counts, device)
        processes = distributed.world()
        parts: Dict[str, List[Tensor]] = {group: [] for group in self.groups}
        named: List[Tensor] = []
        names: List[Tuple[str, float, bool]] = []
        for output, total, count in zip(self.outputs, sums, all_counts):
            value = total if output.loss["reduction"] == "sum" else total / max(count, 1)
            names.append((output.name, count, output.loss["reduction"] == "sum"))
            named.append(value.detach())
            parts[output.group].append(value * output.weight)
        if run.penalty is not None:
            parts[self.penalties].append(run.penalty / processes)
            names.append(("", all_rows, False))
            named.append(run.penalty.detach() / processes)
        for kind, weight in self.added:
            own = {name: self.network.whole(name, value) for name, (_, value) in self.network.weights().items()}
            value = self.own[kind](run.values, own).mean() * (rows / all_rows)
            names.append((kind, all_rows, False))
            named.append(value.detach())
            parts[ROWS].append(value * weight)
        groups = [torch.stack(own).sum() for own in parts.values()]
        factors = [1.0 if group == SUM else all_rows if group == ROWS else 0.0 for group in self.groups]
        for output, count in zip(self.outputs, all_counts):
            if output.group not in (ROWS, SUM):
                factors[self.groups.index(output.group)] = count
        whole = torch.stack([*(group.detach() for group in groups), *named]).double().tolist()
        whole = distributed.add_numbers(whole, device)
        value = float(np.float32(sum(whole[: len(groups)])))
        terms = [(name, own, count, is_sum) for (name, count, is_sum), own in zip(names, whole[len(groups) :])]
        return Parts(groups, factors, value, terms)


def _sum_and_count(output: Output, x: Tensor, y: Tensor, w: Optional[Tensor]) -> "tuple[Tensor, float]":
    """The weighted sum of a loss's terms and what it is divided by, both of this process alone."""
    loss = output.loss
    mask = mask_of(x)
    if mask is not None and mask.dim() >= x.dim():
        mask = None
    if not takes_labels(loss) and output.own is None:
        check(y.shape == x.shape, f"output {output.name}: targets", f"shape {list(x.shape)}", list(y.shape))
    if output.own is not None:
        terms = output.own(y, x)
        if terms.dim() == 0:
            return terms * x.shape[0], float(x.shape[0])
        positions = terms.shape
    else:
        terms = terms_of(loss, x, y)
        positions = terms.shape
    weighted = terms
    if w is not None:
        weighted = weighted * spread(w, terms)
    if mask is not None:
        weighted = weighted * spread(mask, terms)
    total = weighted.sum()
    per_row = terms.numel() / max(x[..., 0].numel(), 1) if x.dim() > 1 else 1
    if loss["reduction"] == "sum":
        # a loss of the user's own is the mean of its values, times the number of samples
        return (total * (x.shape[0] / max(positions.numel(), 1)) if output.own is not None else total), 0.0
    if mask is None and loss["ignoreIndex"] is None:
        return total, float(positions.numel())
    kept = torch.ones(x.shape[:-1], device=x.device) if loss["ignoreIndex"] is None else (y != loss["ignoreIndex"]).float()
    if mask is not None:
        kept = kept * spread(mask, kept)
    return total / per_row, float(kept.sum())
