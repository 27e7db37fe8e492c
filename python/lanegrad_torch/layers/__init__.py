"""Every kind of layer by name."""

from typing import Dict, Type

from . import core
from .base import Layer

KINDS: Dict[str, Type[Layer]] = {**core.KINDS}

__all__ = ["KINDS", "Layer"]
