"""Optimizers by name, with lanegrad's formulas and slots. Order in a step: clip, weight decay, update, constraints, average.

PyTorch's own aren't used: their states have other forms, and NAdam of PyTorch 1.13 has wrong bias corrections.
"""

import math
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from .constraints import clip, constrain
from .distributed import reduced
from .errors import check, unknown
from .layers.base import Weight
from .schedules import check_schedule, rate_at
from .sharding import Shards

EPSILON_FLOOR = 1e-17
LEAST_ROOT = 1e-14  # |g| counts as at least this in averages of g^2

SLOTS: Dict[str, Tuple[str, ...]] = {
    "sgd": (),
    "rmsprop": ("square",),
    "adagrad": ("square",),
    "adadelta": ("square", "update"),
    "adam": ("mean", "square"),
    "adamw": ("mean", "square"),
    "nadam": ("mean", "square"),
    "radam": ("mean", "square"),
    "adamax": ("mean", "norm"),
    "lion": ("mean",),
}

SHARED = {
    "schedule": None,
    "clip": None,
    "ema": None,
    "accumulation": None,
    "weightDecay": 0,
    "excludeFromWeightDecay": None,
    "learningRateMultipliers": None,
}
MOMENTS = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7}

# The options of each kind with lanegrad's defaults, for files that lack one.
DEFAULTS: Dict[str, Dict[str, Any]] = {
    "sgd": {"learningRate": 0.01, "momentum": 0, "nesterov": False},
    "rmsprop": {"learningRate": 0.001, "rho": 0.9, "momentum": 0, "epsilon": 1e-7, "centered": False},
    "adagrad": {"learningRate": 0.001, "initialAccumulatorValue": 0.1, "epsilon": 1e-7},
    "adadelta": {"learningRate": 0.001, "rho": 0.95, "epsilon": 1e-7},
    "adam": {"learningRate": 0.001, **MOMENTS, "amsgrad": False},
    "adamw": {"learningRate": 0.001, **MOMENTS, "amsgrad": False, "weightDecay": 0.004},
    "nadam": {"learningRate": 0.001, **MOMENTS, "momentumDecay": 0.004},
    "radam": {"learningRate": 0.001, **MOMENTS, "epsilon": 1e-8},
    "adamax": {"learningRate": 0.001, **MOMENTS},
    "lion": {"learningRate": 0.001, "beta1": 0.9, "beta2": 0.99},
}

Slots = Dict[str, Tensor]


def _complete(config: Any) -> Dict[str, Any]:
    """A config of a file with all options of its kind."""
    check(isinstance(config, dict), "optimizer", "an object", config)
    kind = config.get("kind")
    if not isinstance(kind, str) or kind not in SLOTS:
        unknown("optimizer", kind, SLOTS)
    known = {**SHARED, **DEFAULTS[kind]}
    for name, default in known.items():
        value = config.get(name, default)
        if isinstance(default, (int, float)):
            fits = isinstance(value, type(default)) if isinstance(default, bool) else _is_number(value)
            check(fits, f"optimizer {kind}: {name}", "a number" if not isinstance(default, bool) else "a boolean", value)
    return {**known, **config}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf


def _average_square(s: Tensor, g: Tensor, share: float) -> Tensor:
    g = g.abs().clamp(min=LEAST_ROOT)
    return s.add_(g * g - s, alpha=share)


class Optimizer(torch.optim.Optimizer):
    """One group for each weight, with its name, its factor of the learning rate and whether it decays.

    `learning_rate` is the base of the schedule, `step_count` the number of updates done, both as in lanegrad's files.
    """

    def __init__(self, config: Mapping[str, Any], weights: Sequence[Tuple[Weight, Tensor]], groups: int) -> None:
        config = _complete(config)
        kind = config["kind"]
        self.config = config
        self.kind: str = kind
        check_schedule(config.get("schedule"))
        self.learning_rate: float = config["learningRate"]
        self.step_count = 0
        self.momentum_product = 1.0
        accumulation, ema = config.get("accumulation"), config.get("ema")
        for value, known in ((accumulation, "accumulateGradients"), (ema, "movingAverage")):
            if value is not None and value.get("kind") != known:
                unknown("value of the optimizer", value.get("kind"), [known])
        self.micro_steps: int = accumulation["steps"] if accumulation else 1
        self.micro_count = 0
        self.micro_weights: List[float] = [0.0] * groups
        self.ema = ema
        self.slot_names: List[str] = [
            *SLOTS[kind],
            *(["mean"] if config.get("centered") else []),
            *(["squareMax"] if config.get("amsgrad") else []),
            *(["velocity"] if config.get("momentum") else []),
            *([f"accumulator{i or ''}" for i in range(groups)] if self.micro_steps > 1 else []),
            *(["ema"] if ema else []),
        ]
        undecayed = config.get("excludeFromWeightDecay") or []
        rates = config.get("learningRateMultipliers") or {}
        groups_of_one = [
            {
                "params": [value],
                "name": info.name,
                "rate": rates.get(info.name, 1),
                "decay": 0 if info.name in undecayed else config["weightDecay"],
                "constraint": info.constraint,
            }
            for info, value in weights
        ]
        self.shards: Optional[Shards] = None
        self.names = [info.name for info, _ in weights]
        super().__init__(groups_of_one or [{"params": [torch.zeros(0)], "name": ""}], {})
        if not weights:
            self.param_groups.clear()
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = {name: torch.zeros_like(p) for name in self.slot_names}
                if config.get("initialAccumulatorValue"):
                    self.state[p]["square"].fill_(config["initialAccumulatorValue"])

        self.all_sum: Any = None  # adds a number up over processes that update a part of the weights each

    def states(self) -> Iterator[Tuple[str, Slots]]:
        """The state by the names of the weights."""
        for group in self.param_groups:
            yield group["name"], self.state[group["params"][0]]

    @property
    def parameters(self) -> List[Tensor]:
        return [group["params"][0] for group in self.param_groups]

    def rate(self) -> float:
        """The learning rate of the coming update."""
        return float(np.float32(rate_at(self.config.get("schedule"), self.learning_rate, self.step_count)))

    def zeros(self) -> List[Tensor]:
        return [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def accumulate(self, gradients: Sequence[Sequence[Tensor]], weights: Sequence[float], sums: Sequence[bool]) -> None:
        """Keeps the gradients of a step, for each group of losses, and updates when there are enough.

        `weights`: what the gradients of each group weigh; `sums`: which groups are sums, whose gradients add up.
        """
        for i, own in enumerate(gradients):
            for p, g in zip(self.parameters, own):
                self.state[p][f"accumulator{i or ''}"].add_(g, alpha=weights[i])
            self.micro_weights[i] = 1.0 if sums[i] else self.micro_weights[i] + weights[i]
        self.micro_count += 1
        if self.micro_count >= self.micro_steps:
            self.flush()

    @torch.no_grad()
    def flush(self) -> None:
        """The update by the gradients that wait for one, if there are any: fit's at the end of an epoch."""
        if self.micro_count == 0:
            return
        gradients = self.zeros()
        for i, weight in enumerate(self.micro_weights):
            for p, g in zip(self.parameters, gradients):
                waiting = self.state[p][f"accumulator{i or ''}"]
                g.add_(waiting / (weight or 1))
                waiting.zero_()
        self.micro_count = 0
        self.micro_weights = [0.0] * len(self.micro_weights)
        self.update(gradients)

    def step(self, closure: Any = None) -> None:
        """An update by the parameters' `grad`, as of any optimizer of PyTorch."""
        check(closure is None, "step: closure", "None", closure)
        self.update([torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters])

    def cut(self, shards: Shards, weights: Mapping[str, Tensor]) -> None:
        """Takes the parts of weights that this process holds, with its parts of their slots."""
        self.shards = shards
        self.all_sum = reduced
        for group in self.param_groups:
            slots = self.state.pop(group["params"][0])
            group["params"] = [weights[group["name"]]]
            self.state[group["params"][0]] = {name: shards.part(value) for name, value in slots.items()}

    def whole(self, name: str, value: Tensor) -> Tensor:
        """What is cut as the weight of that name, put together."""
        return value if self.shards is None else self.shards.whole(name, value.detach()).detach()

    @torch.no_grad()
    def update(self, gradients: List[Tensor]) -> None:
        """An update by gradients in the order of the parameters, which it may change."""
        limits = self.config.get("clip")
        if limits:
            clip(gradients, limits["kind"], limits["limit"], self.all_sum, self.shards is not None)
        rate = self.rate()
        self.step_count += 1
        formula = FORMULAS[self.kind]
        for group, g in zip(self.param_groups, gradients):
            p = group["params"][0]
            formula(self, p, g, self.state[p], rate * group["rate"], group["decay"])
        if self.kind == "nadam":
            self.momentum_product *= self._momentum(self.step_count)
        for group in self.param_groups:
            if group["constraint"]:
                p = group["params"][0]
                whole = self.whole(group["name"], p)
                constrain(whole, group["constraint"])
                if self.shards:
                    p.copy_(self.shards.part(whole))
        if self.ema:
            self._average()

    def _average(self) -> None:
        keep = 0 if self.step_count == 1 else self.ema["momentum"]
        every = self.ema.get("overwriteFrequency")
        for p in self.parameters:
            average = self.state[p]["ema"]
            average.sub_(p).mul_(keep).add_(p)
            if every and self.step_count % every == 0:
                p.copy_(average)

    def _momentum(self, step: int) -> float:
        """nadam's momentum of a step."""
        return self.config["beta1"] * (1 - 0.5 * 0.96 ** (step * self.config["momentumDecay"]))

    def _sgd(self, p: Tensor, g: Tensor, s: Slots, lr: float, decay: float) -> None:
        g = g.add(p, alpha=decay) if decay else g
        momentum = self.config["momentum"]
        if momentum:
            velocity = s["velocity"].mul_(momentum).add_(g)
            g = g.add(velocity, alpha=momentum) if self.config["nesterov"] else velocity
        p.sub_(g, alpha=lr)

    def _rmsprop(self, p: Tensor, g: Tensor, s: Slots, lr: float, decay: float) -> None:
        c = self.config
        g = g.add(p, alpha=decay) if decay else g
        variance = _average_square(s["square"], g, 1 - c["rho"])
        if c["centered"]:
            mean = s["mean"].add_(g - s["mean"], alpha=1 - c["rho"])
            variance = (variance - mean * mean).clamp(min=0)
        d = g / (variance.sqrt() + max(c["epsilon"], EPSILON_FLOOR))
        if c["momentum"]:
            d = s["velocity"].mul_(c["momentum"]).add_(d)
        p.sub_(d, alpha=lr)

    def _adagrad(self, p: Tensor, g: Tensor, s: Slots, lr: float, decay: float) -> None:
        g = g.add(p, alpha=decay) if decay else g
        square = s["square"].add_(g * g)
        p.sub_(g / (square.sqrt() + max(self.config["epsilon"], EPSILON_FLOOR)), alpha=lr)

    def _adadelta(self, p: Tensor, g: Tensor, s: Slots, lr: float, decay: float) -> None:
        c = self.config
        e = max(c["epsilon"], EPSILON_FLOOR)
        g = g.add(p, alpha=decay) if decay else g
        square = _average_square(s["square"], g, 1 - c["rho"])
        d = ((s["update"] + e) / (square + e)).sqrt() * g
        _average_square(s["update"], d, 1 - c["rho"])
        p.sub_(d, alpha=lr)

    def _adam(self, p: Tensor, g: Tensor, s: Slots, lr: float, decay: float) -> None:
        c = self.config
        is_decoupled = self.kind == "adamw"
        g = g.add(p, alpha=decay) if decay and not is_decoupled else g
        mean = s["mean"].add_(g - s["mean"], alpha=1 - c["beta1"])
        square = _average_square(s["square"], g, 1 - c["beta2"])
        if c["amsgrad"]:
            square = torch.maximum(s["squareMax"], square, out=s["squareMax"])
        root = math.sqrt(1 - c["beta2"] ** self.step_count)
        step = lr * root / (1 - c["beta1"] ** self.step_count)
        if decay and is_decoupled:
            p.mul_(1 - lr * decay)
        p.addcdiv_(mean, square.sqrt().add_(max(root * c["epsilon"], EPSILON_FLOOR)), value=-step)

    def _radam(self, p: Tensor, g: Tensor, s: Slots, lr: float, decay: float) -> None:
        c, t = self.config, self.step_count
        g = g.add(p, alpha=decay) if decay else g
        mean = s["mean"].add_(g - s["mean"], alpha=1 - c["beta1"])
        square = _average_square(s["square"], g, 1 - c["beta2"])
        open1, power2 = 1 - c["beta1"] ** t, c["beta2"] ** t
        limit = 2 / (1 - c["beta2"]) - 1
        r = limit - 2 * t * power2 / (1 - power2)
        if r <= 5:
            p.sub_(mean, alpha=lr / open1)
            return
        ratio = (r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r)
        step = lr / open1 * math.sqrt(ratio) * math.sqrt(1 - power2)
        p.addcdiv_(mean, square.sqrt().add_(max(c["epsilon"], EPSILON_FLOOR)), value=-step)

    def _nadam(self, p: Tensor, g: Tensor, s: Slots, lr: float, decay: float) -> None:
        c, t = self.config, self.step_count
        g = g.add(p, alpha=decay) if decay else g
        mean = s["mean"].add_(g - s["mean"], alpha=1 - c["beta1"])
        square = _average_square(s["square"], g, 1 - c["beta2"])
        root = math.sqrt(1 - c["beta2"] ** t)
        now, later = self._momentum(t), self._momentum(t + 1)
        product = self.momentum_product * now
        of_g, of_m = lr * root * (1 - now) / (1 - product), lr * root * later / (1 - product * later)
        p.sub_((of_g * g + of_m * mean) / square.sqrt().add_(max(root * c["epsilon"], EPSILON_FLOOR)))

    def _adamax(self, p: Tensor, g: Tensor, s: Slots, lr: float, decay: float) -> None:
        c = self.config
        e = max(c["epsilon"], EPSILON_FLOOR)
        g = g.add(p, alpha=decay) if decay else g
        mean = s["mean"].add_(g - s["mean"], alpha=1 - c["beta1"])
        size = torch.where(g != 0, g.abs() + e, torch.zeros_like(g))
        norm = torch.maximum(s["norm"].mul_(c["beta2"]), size, out=s["norm"])
        p.addcdiv_(mean, norm.clamp(min=e), value=-lr / (1 - c["beta1"] ** self.step_count))

    def _lion(self, p: Tensor, g: Tensor, s: Slots, lr: float, decay: float) -> None:
        c = self.config
        mean = s["mean"]
        step = (mean + (1 - c["beta1"]) * (g - mean)).sign_()
        mean.add_(g - mean, alpha=1 - c["beta2"])
        if decay:
            p.mul_(1 - lr * decay)
        p.sub_(step, alpha=lr)


FORMULAS: Dict[str, Callable[..., None]] = {
    "sgd": Optimizer._sgd,
    "rmsprop": Optimizer._rmsprop,
    "adagrad": Optimizer._adagrad,
    "adadelta": Optimizer._adadelta,
    "adam": Optimizer._adam,
    "adamw": Optimizer._adam,
    "nadam": Optimizer._nadam,
    "radam": Optimizer._radam,
    "adamax": Optimizer._adamax,
    "lion": Optimizer._lion,
}
