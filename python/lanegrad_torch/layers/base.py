"""The base of all layers: weights under lanegrad's names, taken from a file, with their regularizers and constraints."""

import copy
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Type

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import LanegradError, fail, shape_text
from ..tensors import common_mask, has_steps, mask_is_set, mask_of


@dataclass
class Weight:
    """What is known of a weight beside its values."""

    name: str  # lanegrad's: <layer>/<weight>
    trainable: bool
    regularizer: Mapping[str, float]
    constraint: Optional[Mapping[str, Any]]
    is_state: bool = False


@dataclass
class Source:
    """Where layers find their weights: a file's arrays by name, and how many of them were taken."""

    arrays: Mapping[str, np.ndarray]
    kinds: Mapping[str, Type["Layer"]]
    taken: Dict[str, "Weight"]
    frozen: bool = False  # weights that are made now don't train


class Layer(nn.Module):
    """A layer of lanegrad's as a module.

    `config` has the layer's options. Subclasses make their weights in `build` by `self.weight(name, shape)` and compute in
    `forward(*inputs)`, with the batch axis first and channels last, as in lanegrad. To bring the weights of a
    `customLayer`, give `load(path, custom={"kind": YourLayer})` such a subclass.
    """

    def __init__(self, name: str, config: Mapping[str, Any], trainable: bool, source: Source) -> None:
        super().__init__()
        self.name = name
        self.config = config
        self.trainable = trainable
        self.source: Optional[Source] = source
        self.own: Dict[str, Weight] = {}  # by attribute
        self.nested: Dict[str, "Layer"] = {}
        self.network: Any = None  # set by the network: layers that are tied to others look there
        self.call = name  # the name of the call that is being computed
        self.build()
        self.source = None

    def build(self) -> None:
        """Makes the weights."""

    def extra_repr(self) -> str:
        plain = {key: value for key, value in self.config.items() if isinstance(value, (bool, int, float, str))}
        return ", ".join(f"{key}={value!r}" for key, value in plain.items())

    def has_weight(self, name: str) -> bool:
        return self.source is not None and f"{self.name}/{name}" in self.source.arrays

    def weight(self, name: str, shape: Tuple[Optional[int], ...], trainable: bool = True, option: str = "") -> Tensor:
        """The layer's weight of that name; None in `shape` stands for any size. `option`: what its options are named after."""
        full = f"{self.name}/{name}"
        assert self.source is not None
        array = self.source.arrays.get(full)
        if array is None:
            fail(f"the file lacks the weight {full}")
        fits = array.ndim == len(shape) and all(n is None or n == size for n, size in zip(shape, array.shape))
        if not fits or array.dtype != np.float32:
            fail(f"weight {full}: expected float32 {shape_text(shape)}; got {array.dtype} {shape_text(array.shape)}")
        option = option or name
        is_trained = trainable and self.trainable and not self.source.frozen
        info = Weight(
            full,
            is_trained,
            self.config.get(f"{option}Regularizer") or {},
            self.config.get(f"{option}Constraint") or None,
            is_state=name.startswith("state:"),
        )
        attribute = name.replace(":", "_")
        value = torch.from_numpy(np.array(array))
        if trainable:
            self.register_parameter(attribute, nn.Parameter(value, requires_grad=is_trained))
        else:
            self.register_buffer(attribute, value)
        self.own[attribute] = info
        self.source.taken[full] = info
        return getattr(self, attribute)

    def inner(self, own: str, kind: str, config: Mapping[str, Any]) -> "Layer":
        """A layer within this one, whose weights are named <this layer>/<own>/..."""
        assert self.source is not None
        layer = make_layer(f"{self.name}/{own}", kind, config, self.trainable, self.source)
        attribute = f"{own}_layer" if hasattr(nn.Module, own) else own
        self.add_module(attribute, layer)
        self.nested[own] = layer
        return layer

    def weights(self) -> Iterator[Tuple[Weight, Tensor]]:
        """The weights of this layer and of those within it."""
        for module in self.modules():
            if isinstance(module, Layer):
                for attribute, info in module.own.items():
                    yield info, getattr(module, attribute)

    def penalty(self) -> Optional[Tensor]:
        """The sum of the penalties on the weights; None: there are none."""
        terms = []
        for info, value in self.weights():
            l1, l2 = info.regularizer.get("l1", 0), info.regularizer.get("l2", 0)
            if l1 > 0:
                terms.append(l1 * value.abs().sum())
            if l2 > 0:
                terms.append(l2 * (value * value).sum())
        return torch.stack(terms).sum() if terms else None


def make_layer(name: str, kind: str, config: Mapping[str, Any], trainable: bool, source: Source) -> Layer:
    made = source.kinds.get(kind)
    if made is None:
        known = ", ".join(sorted(source.kinds))
        fail(f"layer {name}: unknown kind {kind}: give load(path, custom={{{kind!r}: YourLayer}}); known: {known}")
    try:
        return made(name, copy.deepcopy(config), trainable, source)
    except LanegradError as error:
        if name in str(error):
            raise
        raise LanegradError(f"layer {name}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        fail(f"layer {name} ({kind}): its config is damaged: {type(error).__name__}: {error}")


def called(layer: nn.Module, inputs: Sequence[Tensor]) -> List[Tensor]:
    """What a layer makes of values, each with the product of their masks unless the layer has set another."""
    result = layer(*inputs)
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    mask = common_mask(inputs)
    for value in results:
        if mask is not None and mask_of(value) is None and not mask_is_set(value) and has_steps(value, mask):
            value.lanegrad_mask = mask
    return results
