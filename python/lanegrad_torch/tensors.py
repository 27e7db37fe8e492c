"""What travels with a tensor from layer to layer: its mask, and the logits that a softmax or sigmoid was made of.

Both are attributes of the tensor, so that every layer is a plain function of tensors.
"""

from typing import Optional, Sequence

import torch
from torch import Tensor


def mask_of(x: Tensor) -> Optional[Tensor]:
    """1 for steps that count, 0 for others: [batch, steps]. None: all count."""
    return getattr(x, "lanegrad_mask", None)


def set_mask(x: Tensor, mask: Optional[Tensor]) -> Tensor:
    x.lanegrad_mask = mask
    x.lanegrad_mask_is_set = True
    return x


def mask_is_set(x: Tensor) -> bool:
    """Whether the layer that made `x` has set its mask."""
    return getattr(x, "lanegrad_mask_is_set", False)


def made_of(x: Tensor, activation: str, logits: Tensor) -> Tensor:
    """`x`, marked as the `activation` ('softmax' over the last axis, or 'sigmoid') of `logits`."""
    x.lanegrad_logits = (activation, logits)
    return x


def logits_for(x: Tensor, activation: str) -> Optional[Tensor]:
    """The logits that `activation` made `x` of; None: it is made otherwise."""
    made = getattr(x, "lanegrad_logits", None)
    return made[1] if made is not None and made[0] == activation else None


def reshape(x: Tensor, shape: Sequence[int]) -> Tensor:
    """The same elements in another shape, which are still made of their logits."""
    shape = tuple(shape)
    if tuple(x.shape) == shape:
        return x
    y = x.reshape(shape)
    if hasattr(x, "lanegrad_input"):
        y.lanegrad_input = x.lanegrad_input
    made = getattr(x, "lanegrad_logits", None)
    if made is not None and (made[0] == "sigmoid" or shape[-1:] == tuple(x.shape[-1:])):
        made_of(y, made[0], made[1].reshape(shape))
    return y


def has_steps(x: Tensor, mask: Tensor) -> bool:
    """Whether a value has the steps of a mask, and further axes."""
    return x.dim() > mask.dim() and x.shape[: mask.dim()] == mask.shape


def common_mask(inputs: Sequence[Tensor]) -> Optional[Tensor]:
    """The product of the inputs' masks; None if there are none, or of several shapes."""
    masks = []
    for x in inputs:
        mask = mask_of(x)
        if mask is not None and all(mask is not other for other in masks):
            masks.append(mask)
    if not masks or any(mask.shape != masks[0].shape for mask in masks):
        return None
    product = masks[0]
    for mask in masks[1:]:
        product = product * mask
    return product


def sum_of(terms: Sequence[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def as_float(x: Tensor) -> Tensor:
    return x if x.is_floating_point() else x.to(torch.float32)
