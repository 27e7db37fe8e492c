"""The network as a module: lanegrad's layers in the order of their calls."""

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Type

import numpy as np
import torch
from torch import Tensor, nn

from . import distributed
from .errors import LanegradError, check, fail
from .layers.base import Layer, Source, Weight, called, make_layer
from .sharding import Shards
from .tensors import logits_for, made_of, mask_of

OUT_OF_MEMORY = tuple(filter(None, (getattr(torch.cuda, "OutOfMemoryError", None), MemoryError)))


class Run(NamedTuple):
    """What a training step's forward pass leaves for the losses."""

    predictions: List[Tensor]
    penalty: Optional[Tensor]
    values: Dict[str, Tensor]  # of all layers, if the losses want them

    @staticmethod
    def of(result: Tuple[List[Dict[str, Tensor]], Optional[Tensor], Dict[str, Tensor]]) -> "Run":
        """What `forward(full=True)` gives: wrappers may have put other tensors in the place of the module's."""
        outputs, penalty, values = result
        return Run([_marked(**output) for output in outputs], penalty, values)


def _marked(prediction: Tensor, mask: Optional[Tensor] = None, **logits: Tensor) -> Tensor:
    if mask is not None:
        prediction.lanegrad_mask = mask
    for activation, own in logits.items():
        made_of(prediction, activation, own)
    return prediction


def _parts(prediction: Tensor) -> Dict[str, Tensor]:
    """A prediction with its mask and its logits by the name of their activation."""
    parts = {"prediction": prediction}
    mask = mask_of(prediction)
    if mask is not None:
        parts["mask"] = mask
    for activation in ("softmax", "sigmoid"):
        logits = logits_for(prediction, activation)
        if logits is not None:
            parts[activation] = logits
    return parts


class Network(nn.Module):
    """Calls the layers, which are its submodules `layers`. The names in `state_dict` are lanegrad's: layer/weight.

    `forward(*inputs)` takes tensors in the order of the model's inputs and gives its output, a list or a dict of them.
    """

    def __init__(self, description: Mapping[str, Any], source: Source) -> None:
        super().__init__()
        self.inputs: List[Mapping[str, Any]] = description["inputs"]
        self.outputs: List[Mapping[str, Any]] = description["outputs"]
        self.input_structure: str = description["inputStructure"]
        self.output_structure: str = description["outputStructure"]
        self.calls: List[Mapping[str, Any]] = description["calls"]
        self.layers = nn.ModuleDict()
        self.attributes: Dict[str, str] = {}  # of layers: a module's name can't hold a dot
        for entry in description["layers"]:
            layer = make_layer(entry["name"], entry["kind"], entry["config"], entry["trainable"], source)
            layer.register_forward_hook(self._after_layer)
            for module in layer.modules():
                if isinstance(module, Layer):
                    object.__setattr__(module, "network", self)  # not as a submodule, which would be a circle
            attribute = entry["name"].replace(".", "/")
            self.attributes[entry["name"]] = attribute
            self.layers[attribute] = layer
        self._penalties: Dict[str, Tensor] = {}
        self._is_full = False
        self.shards: Optional[Shards] = None
        self.gives_values = False  # whether `forward(full=True)` gives the values of all layers
        self.limits: Dict[str, Tuple[int, str]] = {}  # of ids, by input: how many, and whose
        self._check()
        self._register_state_dict_hook(_to_own_names)
        self._register_load_state_dict_pre_hook(_from_own_names, with_module=True)

    def _check(self) -> None:
        check(bool(self.inputs) and bool(self.outputs), "model description", "one input and one output at least", self.outputs)
        structures = (self.input_structure, self.output_structure)
        check(all(own in ("single", "list", "record") for own in structures), "structure", "single, list or record", structures)
        for entry in self.inputs:
            shape = entry["shape"]
            fits = isinstance(shape, list) and all(n is None or (type(n) is int and 0 < n < 2**31) for n in shape)
            check(fits, f"shape of input {entry['name']}", "a list of positive integers (or null)", shape)
        known = {entry["name"] for entry in self.inputs}
        for call in self.calls:
            if call["layer"] not in self.attributes:
                fail(f"a call names layer {call['layer']}, which is not in the model")
            for name in call["inputs"]:
                # further outputs of a call have its name and a number
                if name not in known and name.rpartition(":")[0] not in known:
                    fail(f"layer {call['name']} reads {name}, which no input or earlier layer makes")
            known.add(call["name"])
        for entry in self.outputs:
            value = entry["value"]
            if value not in known and value.rpartition(":")[0] not in known:
                fail(f"output {value} is made by no layer of the model")

    def layer(self, name: str) -> Layer:
        module = self.layers[self.attributes[name]]
        return module if isinstance(module, Layer) else module.module  # within FSDP

    def weights(self) -> Dict[str, Tuple[Weight, Tensor]]:
        """The weights by lanegrad's names."""
        return {
            info.name: (info, value)
            for module in self.modules()
            if isinstance(module, Layer)
            for info, value in ((info, getattr(module, attribute)) for attribute, info in module.own.items())
        }

    def whole(self, name: str, value: Tensor) -> Tensor:
        """A weight put together, if the model is cut over processes."""
        return value if self.shards is None else self.shards.whole(name, value)

    def tied(self, layer: Layer, to: str = "", weights: Sequence[str] = ("kernel", "embeddings")) -> Tensor:
        """The kernel or table of the layer that a dense layer is tied to, in the innermost model around it; or a weight of `to`."""
        to = to or layer.config["tiedTo"]
        parts = layer.name.split(".")
        for depth in range(len(parts) - 1, -1, -1):
            name = ".".join([*parts[:depth], to])
            if name in self.attributes:
                own = self.layer(name)
                for weight in weights:
                    if weight in own.own:
                        used = own.__dict__.get(weight)  # whole, while that layer is called
                        return self.whole(own.own[weight].name, getattr(own, weight)) if used is None else used
        fail(f"tied to {to}, which has no {' or '.join(weights)}")

    def limit(self, ids: Tensor, count: int, layer: str) -> None:
        """Notes that a layer takes ids from 0 to count - 1; if they are an input, others are refused before a run."""
        name = getattr(ids, "lanegrad_input", None)
        if name is not None and count < self.limits.get(name, (count + 1, ""))[0]:
            self.limits[name] = (count, layer)

    def _after_layer(self, layer: Layer, inputs: Any, output: Any) -> None:
        """Takes a layer's penalty while its weights are whole, which those of sharded modules are in its forward pass alone."""
        if self._is_full and layer.name not in self._penalties:
            penalty = layer.penalty()
            if penalty is not None:
                self._penalties[layer.name] = penalty

    def forward(self, *inputs: Tensor, full: bool = False) -> Any:
        """`full`: gives what a Run holds, as a plain tuple, whose tensors wrappers find."""
        if self.shards is not None and torch.is_grad_enabled():
            with self.shards.saving():
                return self._run(inputs, full)
        return self._run(inputs, full)

    def _run(self, inputs: Sequence[Tensor], full: bool) -> Any:
        values: Dict[str, Tensor] = {}
        for entry, x in zip(self.inputs, inputs):
            values[entry["name"]] = x
        self._penalties = {}
        self._is_full = full
        for call in self.calls:
            given = [self._value(values, name) for name in call["inputs"]]
            layer = self.layers[self.attributes[call["layer"]]]
            self.layer(call["layer"]).call = call["name"]
            try:
                results = called(layer, given)
            except LanegradError as error:
                raise LanegradError(f"layer {call['name']}: {error}") from None
            except (distributed.Lost, *OUT_OF_MEMORY):
                raise
            except Exception as error:
                line = next(iter(str(error).strip().splitlines()), type(error).__name__)
                shapes = ", ".join(str(list(x.shape)) for x in given)
                raise LanegradError(f"layer {call['name']}: doesn't fit its input {shapes}: {line}") from error
            for i, value in enumerate(results):
                values[call["name"] if i == 0 else f"{call['name']}:{i}"] = value
        predictions = [self._value(values, entry["value"]) for entry in self.outputs]
        if full:
            penalties = list(self._penalties.values())
            self._penalties = {}
            penalty = torch.stack(penalties).sum() if penalties else None
            return [_parts(own) for own in predictions], penalty, values if self.gives_values else {}
        self._penalties = {}
        return self.structured(predictions)

    @staticmethod
    def _value(values: Mapping[str, Tensor], name: str) -> Tensor:
        return values[name] if name in values else fail(f"no layer makes the value {name}")

    def structured(self, values: List[Any]) -> Any:
        """Values of the outputs as the model gives them: one, a list, or a dict."""
        if self.output_structure == "single":
            return values[0]
        if self.output_structure == "list":
            return values
        return {entry["name"]: value for entry, value in zip(self.outputs, values)}


def _names(network: Network) -> Dict[str, str]:
    """Lanegrad's names by those of PyTorch."""
    names = {}
    for path, module in network.named_modules():
        if isinstance(module, Layer):
            for attribute, info in module.own.items():
                names[f"{path}.{attribute}"] = info.name
    return names


def _to_own_names(network: Network, state: Dict[str, Any], prefix: str, _: Any) -> None:
    for path, name in _names(network).items():
        if prefix + path in state:
            state[prefix + name] = state.pop(prefix + path)


def _from_own_names(network: Network, state: Dict[str, Any], prefix: str, *_: Any) -> None:
    for path, name in _names(network).items():
        if prefix + name in state:
            state[prefix + path] = state.pop(prefix + name)


def make_network(description: Any, arrays: Mapping[str, np.ndarray], kinds: Mapping[str, Type[Layer]]) -> Network:
    """The network of a file's description; every weight of the file must be one of its weights."""
    check(isinstance(description, dict), "network", "an object", description)
    source = Source(arrays, kinds, {})
    try:
        network = Network(description, source)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        fail(f"the description of the network is damaged: {type(error).__name__}: {error}")
    for name in arrays:
        if name not in source.taken and not name.startswith("optimizer/"):
            fail(f"the model has no weight {name}; the file has one")
    return network
