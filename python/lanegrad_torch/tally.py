"""The loss over the batches of an epoch, exact whatever their sizes, as fit's logs are."""

from typing import Any, Dict, List, Mapping, Sequence

from .net import Losses
from .training import SUM


class Tally:
    """Sums of the losses of each group, times what they are means of, and sums of that."""

    def __init__(self) -> None:
        self.sums: Dict[str, List[float]] = {}

    def add(self, groups: Sequence[str], losses: Losses) -> None:
        """Takes in the losses of a step."""
        for group, value, factor in zip(groups, losses.values, losses.factors):
            total = self.sums.setdefault(group, [0.0, 0.0])
            total[0] += value * factor
            total[1] = 1.0 if group == SUM else total[1] + factor

    @property
    def mean(self) -> float:
        return sum(total / count if count else 0.0 for total, count in self.sums.values())

    def logs(self) -> Dict[str, float]:
        return {"loss": self.mean}

    def state(self) -> Dict[str, List[float]]:
        return self.sums

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Tally":
        tally = cls()
        tally.sums = {str(group): [float(total), float(count)] for group, (total, count) in state.items()}
        return tally
