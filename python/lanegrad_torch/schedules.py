"""Schedules of the learning rate: each gives the rate of a step (an update, counted from 0) from the base rate."""

import math
from typing import Any, Callable, Dict, Mapping, Optional

from .errors import unknown

Schedule = Mapping[str, Any]


def _warmup(own: Schedule, base: float, step: int) -> float:
    if step < own["steps"]:
        return base * (step + 1) / own["steps"]
    return rate_at(own.get("after"), base, step - own["steps"])


RATES: Dict[str, Callable[[Schedule, float, int], float]] = {
    "stepDecay": lambda own, base, step: base * own["gamma"] ** (step // own["stepSize"]),
    "multiStepDecay": lambda own, base, step: base * own["gamma"] ** sum(m <= step for m in own["milestones"]),
    "exponentialDecay": lambda own, base, step: base * own["gamma"] ** step,
    "cosineDecay": lambda own, base, step: own["minimum"]
    + (base - own["minimum"]) * (1 + math.cos(math.pi * min(step, own["steps"]) / own["steps"])) / 2,
    "polynomialDecay": lambda own, base, step: (base - own["end"])
    * (1 - min(step, own["steps"]) / own["steps"]) ** own["power"]
    + own["end"],
    "linearWarmup": _warmup,
    "inverseTimeDecay": lambda own, base, step: base / (1 + own["decay"] * step),
    "inverseSqrtDecay": lambda own, base, step: base
    * min((step + 1) ** -0.5, (step + 1) / (own["warmup"] * math.sqrt(own["warmup"]))),
}


def check_schedule(schedule: Optional[Schedule]) -> None:
    """Raises on a schedule that isn't known."""
    if schedule is None:
        return
    if not isinstance(schedule, dict) or schedule.get("kind") not in RATES:
        unknown("schedule", schedule.get("kind") if isinstance(schedule, dict) else schedule, RATES)
    if schedule["kind"] == "linearWarmup":
        check_schedule(schedule.get("after"))


def rate_at(schedule: Optional[Schedule], base: float, step: int) -> float:
    """The learning rate of `step`; `base` itself without a schedule."""
    return base if schedule is None else RATES[schedule["kind"]](schedule, base, step)
