"""Attention by heads, attention without projections, rotary positions."""

import math
from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import check
from ..tensors import mask_of, set_mask
from .base import Layer


def attended(inputs: Tuple[Tensor, ...]) -> Tuple[Tensor, Tensor, Tensor, Optional[Tensor]]:
    """Query, value, key and the mask of the last two, of 1 to 3 inputs [batch, steps, channels]."""
    query = inputs[0]
    value = inputs[1] if len(inputs) > 1 else query
    key = inputs[2] if len(inputs) > 2 else value
    fits = len(inputs) < 4 and all(x.dim() == 3 for x in inputs) and value.shape[1] == key.shape[1]
    check(fits, "inputs", "1 to 3 inputs [batch, steps, channels]", [list(x.shape) for x in inputs])
    masks = [mask_of(x) for x in ([value] if value is key else [value, key]) if mask_of(x) is not None]
    mask = None
    for own in masks:
        mask = own if mask is None or mask is own else mask * own
    return query, value, key, mask


def seen_keys(queries: int, keys: int, mask: Optional[Tensor], causal: bool, device: torch.device) -> Optional[Tensor]:
    """1 where a query sees a key, [batch or 1, queries, keys]; None: all do."""
    seen = None if mask is None else mask.unsqueeze(1)
    if causal:
        past = torch.ones(queries, keys, device=device).tril().unsqueeze(0)
        seen = past if seen is None else seen * past
    return seen


def shares_of(scores: Tensor, seen: Optional[Tensor]) -> Tensor:
    """softmax over the keys that are seen; 0 where none is."""
    if seen is None:
        return torch.softmax(scores, -1)
    return torch.softmax(scores.masked_fill(seen == 0, torch.finfo(scores.dtype).min), -1) * seen


class Heads(Layer):
    """Projections to queries, keys and values, attention of each head, a projection back."""

    def counts(self) -> Tuple[int, int]:
        return self.config["numHeads"], self.config["numHeads"]

    def build(self) -> None:
        c = self.config
        heads, stored = self.counts()
        widths = {"q": heads * c["keyDim"], "k": stored * c["keyDim"], "v": stored * (c["valueDim"] or c["keyDim"]), "o": c["outputDim"]}
        for own, width in widths.items():
            kernel = self.weight(f"w{own}", (None, width), option="kernel")
            if c["useBias"]:
                self.weight(f"b{own}", (kernel.shape[1],), option="bias")
        if c["rotary"]:
            self.inner("rotary", c["rotary"]["kind"], c["rotary"]["config"])

    def project(self, x: Tensor, own: str) -> Tensor:
        y = x @ getattr(self, f"w{own}")
        return y + getattr(self, f"b{own}") if self.config["useBias"] else y

    def by_heads(self, x: Tensor, own: str, count: int) -> Tensor:
        """The projection of x as [batch, heads, steps, width]."""
        y = self.project(x, own)
        y = y.reshape(*y.shape[:2], count, -1)
        if own != "v" and "rotary" in self.nested:
            y = self.nested["rotary"](y)
        return y.transpose(1, 2)

    def forward(self, *inputs: Tensor) -> Tensor:
        c = self.config
        heads, stored = self.counts()
        query, value, key, mask = attended(inputs)
        q, k, v = self.by_heads(query, "q", heads), self.by_heads(key, "k", stored), self.by_heads(value, "v", stored)
        if stored != heads:
            k, v = (x.repeat_interleave(heads // stored, 1) for x in (k, v))
        seen = seen_keys(query.shape[1], key.shape[1], mask, c["causal"], query.device)
        scores = (q / math.sqrt(c["keyDim"])) @ k.transpose(2, 3)
        shares = shares_of(scores, None if seen is None else seen.unsqueeze(1))
        if self.training and c["dropout"] > 0:
            shares = F.dropout(shares, c["dropout"])
        y = (shares @ v).transpose(1, 2).flatten(2)
        return set_mask(self.project(y, "o"), mask_of(query))


class GroupedHeads(Heads):
    def counts(self) -> Tuple[int, int]:
        return self.config["numQueryHeads"], self.config["numKeyValueHeads"]


class PlainAttention(Layer):
    """Attention without projections."""

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, *inputs: Tensor) -> Tensor:
        check(len(inputs) > 1, "inputs", "2 or 3 inputs (query, value, key)", len(inputs))
        query, value, key, mask = attended(inputs)
        seen = seen_keys(query.shape[1], key.shape[1], mask, self.config["causal"], query.device)
        shares = shares_of(self.scores(query, key), seen)
        if self.training and self.config["dropout"] > 0:
            shares = F.dropout(shares, self.config["dropout"])
        return set_mask(shares @ value, mask_of(query))


class DotAttention(PlainAttention):
    def build(self) -> None:
        if self.config["useScale"]:
            self.weight("scale", (1,))
        if self.config["scoreMode"] == "concat":
            self.weight("concat_score_weight", (1,))

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        scale = self.scale if self.config["useScale"] else 1
        if self.config["scoreMode"] == "dot":
            return query @ key.transpose(1, 2) * scale
        return torch.tanh((query.unsqueeze(2) + key.unsqueeze(1)) * scale).sum(3) * self.concat_score_weight


class AdditiveAttention(PlainAttention):
    def build(self) -> None:
        if self.config["useScale"]:
            self.weight("scale", (None,))

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        terms = torch.tanh(query.unsqueeze(2) + key.unsqueeze(1))
        return (terms * self.scale if self.config["useScale"] else terms).sum(3)


class RotaryEmbedding(Layer):
    """Turns pairs of channels by angles that grow with the step (the axis behind the batch)."""

    def forward(self, x: Tensor) -> Tensor:
        c = self.config
        steps, channels = x.shape[1], x.shape[-1]
        check(x.dim() > 2 and channels % 2 == 0, "input", "an even number of channels", list(x.shape))
        pairs = channels // 2
        step = torch.arange(steps, dtype=torch.float64, device=x.device).unsqueeze(1) / c["scalingFactor"]
        share = torch.arange(pairs, dtype=torch.float64, device=x.device) / pairs
        angles = (step / c["maxWavelength"] ** share).reshape(steps, *[1] * (x.dim() - 3), pairs)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        if c["interleaved"]:
            a, b = x[..., 0::2], x[..., 1::2]
            return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)
        a, b = x[..., :pairs], x[..., pairs:]
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


KINDS = {
    "multiHeadAttention": Heads,
    "groupedQueryAttention": GroupedHeads,
    "attention": DotAttention,
    "additiveAttention": AdditiveAttention,
    "rotaryEmbedding": RotaryEmbedding,
}
