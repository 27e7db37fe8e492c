"""Every kind of layer by name."""

from typing import Dict, Type

from . import attention, convolution, core, merge, noise, normalization, operations, pooling, recurrent, wrappers
from .base import Layer

KINDS: Dict[str, Type[Layer]] = {
    **core.KINDS,
    **convolution.KINDS,
    **pooling.KINDS,
    **normalization.KINDS,
    **merge.KINDS,
    **noise.KINDS,
    **attention.KINDS,
    **recurrent.KINDS,
    **wrappers.KINDS,
    **operations.KINDS,
}

__all__ = ["KINDS", "Layer"]
