"""The options of a training: those of `train.py`, and the keys of `train_loop`'s config."""

import os
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Callable, Mapping, Optional, Type

import torch

from .errors import check, fail, shown
from .layers import Layer


@dataclass(frozen=True)
class Config:
    """The options of `train_loop`, by the names that `train.py` has for them."""

    model: str
    data: str
    output: str
    epochs: int = 1
    batch_size: int = 32  # of all processes together
    validation: Optional[str] = None
    validation_split: float = 0.0
    shuffle: bool = True
    divide: float = 1.0
    device: Optional[str] = None
    fsdp: bool = False
    checkpoint: Optional[str] = None
    checkpoint_steps: int = 1000
    history: Optional[str] = None
    quiet: bool = False
    custom: Optional[Mapping[str, Type[Layer]]] = None  # as `load` takes them
    losses: Optional[Mapping[str, Callable[..., torch.Tensor]]] = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Config":
        names = {field.name for field in fields(cls)}
        for name in options:
            if name not in names:
                fail(f"train_loop: unknown option {shown(name)}; known: {', '.join(sorted(names))}")
        for field in fields(cls):
            if field.default is MISSING and options.get(field.name) is None:
                fail(f"train_loop: {field.name} is missing")
        config = cls(**options)
        for name in ("epochs", "batch_size", "checkpoint_steps"):
            value = getattr(config, name)
            check(isinstance(value, int) and value > 0, name, "a positive integer", value)
        check(0 <= config.validation_split < 1, "validation_split", "a share from 0 to 1", config.validation_split)
        check(config.divide > 0, "divide", "a number above 0", config.divide)
        if config.validation and config.validation_split:
            fail("give either validation or validation_split")
        for path in (config.output, config.history):
            folder = Path(path or ".").resolve().parent
            if not os.access(folder, os.W_OK):
                fail(f"{path}: can't write to {folder}")
        return config
