"""Metrics as a file holds them: names, losses, or constructors with options. Exact whatever the sizes of batches.

Means are sums over counts. The others are computed from all predictions, which are kept until `logs` is called.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from . import distributed
from .errors import fail, unknown
from .losses import CROSSENTROPIES, ELEMENTS, ROWS, activation_for, has_elements, spread, takes_labels, terms_of
from .tensors import made_of, mask_of

ALIASES = {"mse": "meanSquaredError", "mae": "meanAbsoluteError", "bce": "binaryCrossentropy"}
SCORED = ("hinge", "squaredHinge", "categoricalHinge", "cosineSimilarity")
DEFAULTS = {"huber": 1.0}

# What a metric of rows sees: predictions [rows, columns], the truth (ids, or [rows, columns]), weights of rows, activation of logits.
Seen = Tuple[np.ndarray, np.ndarray, np.ndarray, Optional[str]]


def _hot(truth: np.ndarray, columns: int) -> np.ndarray:
    """Whether each row is of each class: by id, or more than 1/2."""
    return truth[:, None] == np.arange(columns) if truth.ndim == 1 else truth > 0.5


def _shares(x: np.ndarray, logits: Optional[str]) -> np.ndarray:
    if logits != "softmax":
        return x
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    total = weights.sum()
    return float((values * weights).sum() / total) if total else 0.0


def _top_k(seen: Seen, k: int) -> float:
    x, truth, weights, _ = seen
    classes = truth if truth.ndim == 1 else truth.argmax(1)
    own = x[np.arange(len(x)), np.clip(classes, 0, x.shape[1] - 1)]
    return _mean(((x > own[:, None]).sum(1) < k) & np.isfinite(own), weights)


def _percentage(seen: Seen) -> float:
    x, truth, weights, _ = seen
    errors = np.abs(truth.astype(np.float64) - x) / np.maximum(np.abs(truth), 1e-7)
    return _mean(100 * errors.mean(1), weights)


def _cosine(seen: Seen) -> float:
    x, truth, weights, _ = seen
    x, truth = x.astype(np.float64), truth.astype(np.float64)
    squares = np.maximum((x * x).sum(1), 1e-12) * np.maximum((truth * truth).sum(1), 1e-12)
    return _mean((x * truth).sum(1) / np.sqrt(squares), weights)


def _r2(seen: Seen) -> float:
    x, truth, weights, _ = seen
    if not weights.sum():
        return math.nan
    w = weights[:, None]
    truth = truth.astype(np.float64)
    mean = (w * truth).sum(0) / w.sum()
    squares, errors = (w * (truth - mean) ** 2).sum(0), (w * (truth - x) ** 2).sum(0)
    return float(np.mean([1 - e / s if s > 0 else float(e == 0) for s, e in zip(squares, errors)]))


def _auc(seen: Seen, curve: str) -> float:
    x, truth, weights, logits = seen
    scores = _shares(x, logits).astype(np.float32).reshape(-1) + np.float32(0)
    if np.isnan(scores).any():
        return math.nan
    is_true = _hot(truth, x.shape[1]).reshape(-1)
    order = np.argsort(-scores, kind="stable")
    w = np.repeat(weights, x.shape[1])[order]
    ends = np.append(np.nonzero(np.diff(scores[order]))[0], len(order) - 1)
    tp = np.concatenate([[0.0], np.cumsum(w * is_true[order])[ends]])
    fp = np.concatenate([[0.0], np.cumsum(w * ~is_true[order])[ends]])
    if not tp[-1] or not fp[-1]:
        return math.nan
    dtp, dfp = np.diff(tp), np.diff(fp)
    if curve == "ROC":
        return float((dfp * (tp[:-1] + dtp / 2)).sum() / (tp[-1] * fp[-1]))
    area = 0.0
    for p, f, dp, df in zip(tp, fp, dtp, dfp):  # precision is linear in both counts along a step
        if dp:
            slope = dp / (dp + df)
            before = p + f
            area += slope * (dp + ((p - slope * before) * math.log((before + dp + df) / before) if before > 0 else 0))
    return area / tp[-1]


def _predicted(seen: Seen, threshold: Optional[float], top_k: Optional[int]) -> np.ndarray:
    x, _, _, logits = seen
    columns = x.shape[1]
    if threshold is None and columns > 1:
        return x.argmax(1)[:, None] == np.arange(columns)
    given = 0.5 if threshold is None else threshold
    is_share = 0 < given < 1
    least = math.log(given / (1 - given)) if is_share and logits == "sigmoid" else given
    predicted = (_shares(x, logits) if is_share else x) > least
    if top_k is not None and top_k < columns:
        ranks = np.argsort(np.argsort(-x, 1, kind="stable"), 1, kind="stable")
        predicted &= ranks < top_k
    return predicted


def _counted(seen: Seen, kind: str, options: Mapping[str, Any]) -> Any:
    default = (None, "macro") if kind == "f1Score" else (0.5, "micro")
    threshold, average = options.get("threshold", default[0]), options.get("average", default[1])
    top_k, class_id = options.get("topK"), options.get("classId")
    if top_k is not None and "threshold" not in options:
        threshold = -math.inf
    predicted, is_true = _predicted(seen, threshold, top_k), _hot(seen[1], seen[0].shape[1])
    w = seen[2][:, None]
    right, extra, missed = ((w * mask).sum(0) for mask in (predicted & is_true, predicted & ~is_true, ~predicted & is_true))

    def ratio(r: float, e: float, m: float) -> float:
        part, whole = {"precision": (r, r + e), "recall": (r, r + m), "f1Score": (2 * r, 2 * r + e + m)}[kind]
        return float(part / whole) if whole else 0.0

    if class_id is not None:
        return ratio(right[class_id], extra[class_id], missed[class_id])
    if average == "micro":
        return ratio(right.sum(), extra.sum(), missed.sum())
    ratios = [ratio(*counts) for counts in zip(right, extra, missed)]
    if average is None:
        return ratios
    weights = np.ones(len(ratios)) if average == "macro" else right + missed
    return _mean(np.array(ratios), weights)


HOST: Dict[str, Callable[[Seen, Mapping[str, Any]], Any]] = {
    "topKCategoricalAccuracy": lambda seen, own: _top_k(seen, own.get("k", 5)),
    "sparseTopKCategoricalAccuracy": lambda seen, own: _top_k(seen, own.get("k", 5)),
    "meanAbsolutePercentageError": lambda seen, own: _percentage(seen),
    "cosineSimilarityMetric": lambda seen, own: _cosine(seen),
    "r2Score": lambda seen, own: _r2(seen),
    "auc": lambda seen, own: _auc(seen, own.get("curve", "ROC")),
    "precision": lambda seen, own: _counted(seen, "precision", own),
    "recall": lambda seen, own: _counted(seen, "recall", own),
    "f1Score": lambda seen, own: _counted(seen, "f1Score", own),
}
ACCURACIES = ("binaryAccuracy", "categoricalAccuracy", "sparseCategoricalAccuracy")
OF_LOSSES = {
    "rootMeanSquaredError": (("meanSquaredError",), math.sqrt),
    "perplexity": (("sparseCategoricalCrossentropy", "categoricalCrossentropy"), math.exp),
}
NAMES = {"cosineSimilarityMetric": "cosineSimilarity"}


@dataclass
class Metric:
    """A metric of an output and what it has seen: a sum and a count, or predictions."""

    name: str
    is_weighted: bool
    accuracy: Optional[str] = None
    threshold: float = 0.5
    loss: Optional[Mapping[str, Any]] = None
    finish: Callable[[float], float] = float
    host: Optional[Callable[[Seen, Mapping[str, Any]], Any]] = None
    options: Mapping[str, Any] = field(default_factory=dict)
    sum: float = 0.0
    count: float = 0.0
    seen: List[Seen] = field(default_factory=list)

    def add(self, loss: Mapping[str, Any], x: Tensor, y: Tensor, weights: Optional[Tensor]) -> None:
        """Takes in a batch of an output with `loss`; `weights`: of rows or positions, the mask included."""
        columns = x.shape[-1] if x.dim() > 1 else 1
        flat = x.reshape(-1, columns)
        rows = flat.new_ones(x.shape[:-1] if x.dim() > 1 else x.shape)
        counted = (rows if weights is None else rows * spread(weights, rows)).reshape(-1)
        if loss["ignoreIndex"] is not None:
            counted = counted * (y.reshape(-1) != loss["ignoreIndex"])
        truth = y.reshape(-1) if takes_labels(loss) else y.reshape(-1, columns)
        logits = activation_for(loss) if loss["fromLogits"] else None
        if self.host:
            self.seen.append((flat.cpu().numpy(), truth.cpu().numpy(), counted.double().cpu().numpy(), logits))
            return
        if self.accuracy:
            right, terms = self._right(flat, truth, logits), columns if self.accuracy == "binaryAccuracy" else 1
        else:
            right, terms = self._terms(loss, x, y, logits).reshape(len(flat), -1).sum(1), self._per_row(columns)
        self.sum += float((right.double() * counted.double()).sum())
        self.count += float(counted.double().sum()) * terms

    def _right(self, x: Tensor, truth: Tensor, logits: Optional[str]) -> Tensor:
        if self.accuracy == "binaryAccuracy":
            threshold = self.threshold
            if logits and 0 < threshold < 1:
                if logits == "sigmoid":
                    threshold = math.log(threshold / (1 - threshold))
                else:
                    x = torch.softmax(x, -1)
            return ((x > threshold) == (truth > 0.5)).sum(1)
        return (x.argmax(1) == (truth if truth.dim() == 1 else truth.argmax(1))) & ~x.isnan().all(1)

    def _terms(self, loss: Mapping[str, Any], x: Tensor, y: Tensor, logits: Optional[str]) -> Tensor:
        own = self.loss
        assert own is not None
        takes = own["kind"] in SCORED or (own["fromLogits"] and own["kind"] in CROSSENTROPIES)
        if logits and not takes:
            shares = torch.softmax(x, -1) if logits == "softmax" else torch.sigmoid(x)
            x = made_of(shares, logits, x)
        return terms_of({**own, "ignoreIndex": loss["ignoreIndex"]}, x, y)

    def _per_row(self, columns: int) -> int:
        return columns if self.loss is not None and has_elements(self.loss) else 1

    def results(self, device: torch.device) -> List[Tuple[str, float]]:
        """What is logged, each with what is put behind its key: over all processes."""
        if self.host is None:
            total, count = distributed.add_numbers([self.sum, self.count], device)
            return [("", self.finish(total / count if count else 0.0))]
        parts: List[Any] = [self.seen]
        if distributed.world() > 1:
            parts = [None] * distributed.world()
            dist.all_gather_object(parts, self.seen)
        seen = [own for part in parts for own in part]
        whole = tuple(np.concatenate([own[i] for own in seen]) for i in range(3))
        kept = whole[2] != 0
        result = self.host((*(array[kept] for array in whole), seen[0][3]), self.options)
        return [(f"_{i}", value) for i, value in enumerate(result)] if isinstance(result, list) else [("", result)]


def _loss(kind: str, of: Mapping[str, Any]) -> Dict[str, Any]:
    return {"kind": kind, "reduction": "sum", "fromLogits": of["fromLogits"], "param": DEFAULTS.get(kind, 0.0), "ignoreIndex": None}


def metric_of(given: Any, loss: Mapping[str, Any], columns: int, is_weighted: bool) -> Metric:
    """A metric of a file, for an output with `loss` whose last axis has `columns` elements."""
    if given in ("accuracy", "acc"):
        if takes_labels(loss):
            return Metric(given, is_weighted, "sparseCategoricalAccuracy")
        if columns > 1 and loss["kind"] != "binaryCrossentropy":
            return Metric(given, is_weighted, "categoricalAccuracy")
        is_signed = loss["fromLogits"] or loss["kind"] in ("hinge", "squaredHinge")
        return Metric(given, is_weighted, "binaryAccuracy", 0.0 if is_signed else 0.5)
    if isinstance(given, str):
        kind = ALIASES.get(given, given)
        if kind not in (*ELEMENTS, *ROWS, *CROSSENTROPIES, "huber"):
            unknown("metric", given, ["accuracy", *ELEMENTS, *ROWS, *CROSSENTROPIES, "huber"])
        finish = (lambda mean: 1 - mean) if kind == "cosineSimilarity" else float
        return Metric(given, is_weighted, loss=_loss(kind, loss), finish=finish)
    if "kind" in given:
        return Metric(given["kind"], is_weighted, loss={**given, "reduction": "sum"})
    if "own" in given:
        fail(f"metric {given['own']} is a function of the program that saved the file: it isn't known here")
    maker, options = given.get("maker"), given.get("options") or {}
    name = options.get("name") or NAMES.get(maker, maker)
    if maker in HOST:
        return Metric(name, is_weighted, host=HOST[maker], options=options)
    if maker in ACCURACIES:
        return Metric(name, is_weighted, maker, options.get("threshold", 0.5))
    if maker in OF_LOSSES:
        kinds, finish = OF_LOSSES[maker]
        kind = next(kind for kind in kinds if (kind == "sparseCategoricalCrossentropy") == takes_labels(loss))
        return Metric(name, is_weighted, loss=_loss(kind, loss), finish=finish)
    unknown("metric", maker, [*HOST, *ACCURACIES, *OF_LOSSES])


class Meter:
    """Losses and metrics over batches, as the logs of lanegrad's evaluate have them."""

    def __init__(self, training: Any) -> None:
        self.training = training
        self.several = len(training.network.outputs) > 1
        self.means: Dict[str, List[float]] = {}
        self.metrics: List[Tuple[Any, str, Metric]] = []
        for output in training.outputs:
            taken = set()
            for is_weighted, list_ in ((False, output.metrics), (True, output.weighted_metrics)):
                for given in list_:
                    metric = metric_of(given, output.loss, output.classes or 1, is_weighted)
                    name = f"weighted_{metric.name}" if metric.name in taken else metric.name
                    taken.add(name)
                    self.metrics.append((output, f"{output.name}_{name}" if self.several else name, metric))

    def add(self, run: Any, batch: Any, losses: Any) -> None:
        """Takes in a batch that `losses` were computed of; every process calls it as often."""
        for key, value, count, is_sum in losses.terms:
            mean = self.means.setdefault(key, [0.0, 0.0])
            mean[0] += value * (1 if is_sum else count)
            mean[1] = 1.0 if is_sum else mean[1] + count
        places = {output.name: i for i, output in enumerate(self.training.outputs)}
        for output, _, metric in self.metrics:
            i = places[output.name]
            x = run.predictions[output.index].detach()
            mask = mask_of(run.predictions[output.index])
            weights = batch.weights[i] if metric.is_weighted else None
            if mask is not None and mask.dim() < x.dim():
                weights = mask if weights is None else spread(weights, mask) * mask
            metric.add(output.loss, x, batch.y[i], weights)

    def logs(self) -> Dict[str, float]:
        """The total loss, those of several outputs, and the metrics: over all batches and processes."""
        training = self.training
        means = {key: total / count if count else 0.0 for key, (total, count) in self.means.items()}
        factors = {output.name: output.weight for output in training.outputs}
        factors.update(training.added)
        result = {"loss": sum(value * factors.get(key, 1) for key, value in means.items())}
        if len(training.outputs) > 1 or training.added:
            result.update({f"{output.name}_loss": means[output.name] for output in training.outputs})
            result.update({kind: means[kind] for kind, _ in training.added})
        device = next(iter(training.network.weights().values()))[1].device if training.network.weights() else torch.device("cpu")
        for _, key, metric in self.metrics:
            result.update({key + suffix: value for suffix, value in metric.results(device)})
        return result
