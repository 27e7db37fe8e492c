"""A net: the module with its losses and its optimizer, read from a file of lanegrad and written back."""

import json
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Type

import numpy as np
import torch
from torch import Tensor, nn

from . import distributed
from .constraints import check_constraint
from .data import common_rows, rows_of, split, tensor_of
from .errors import LanegradError, check, fail
from .format import PathLike, read_file, write_file
from .layers import KINDS, Layer
from .layers.base import Weight
from .losses import takes_labels
from .metrics import Meter
from .network import Network, Run, make_network
from .optimizers import Optimizer
from .sharding import Shards
from .tensors import mask_of
from .training import Training

FORMAT = "lanegrad/1"


@dataclass
class Batch:
    """Checked tensors of this process's rows, in the order of the model's inputs and of the outputs with a loss."""

    x: List[Tensor]
    y: List[Tensor]
    weights: List[Optional[Tensor]]
    rows: int

    def part(self, rows: slice) -> "Batch":
        """Some of its rows."""
        x = [x[rows] for x in self.x]
        weights = [None if w is None else w[rows] for w in self.weights]
        return Batch(x, [y[rows] for y in self.y], weights, len(x[0]))


class Net:
    """A network with its losses, optimizer and their state. Made by `load`."""

    def __init__(self, path: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str], options: Mapping[str, Any]):
        version = metadata.get("format", "")
        if version != FORMAT:
            newer = version.startswith("lanegrad/")
            reason = f"format {version} is newer than {FORMAT}: update lanegrad_torch"
            fail(f"{path}: {reason if newer else 'not a model that lanegrad saved'}")
        self.path = path
        self.metadata = dict(metadata)
        self.arrays = arrays
        kinds: Dict[str, Type[Layer]] = {**KINDS, **(options.get("custom") or {})}
        self.module: Network = make_network(_parsed("network", metadata), arrays, kinds)
        self.runner: nn.Module = self.module
        self.is_wrapped = False
        self.device = torch.device("cpu")
        digits = metadata.get("seed", "")
        check(digits.isdigit(), f"{path}: seed", "an integer >= 0", digits)
        self.seed = int(digits)
        self.epoch_count = 0
        self.rows_of_states: Optional[int] = next(
            (value.shape[0] for info, value in self.module.weights().values() if info.is_state), None
        )
        for info, _ in self.module.weights().values():
            if info.constraint:
                check_constraint(info.constraint)
        self.shapes = self._outline()
        self.training: Optional[Training] = None
        self._optimizer: Optional[Optimizer] = None
        if "training" in metadata:
            self.training = Training(_parsed("training", metadata), self.module, self.shapes, self.masked, options)
            try:
                self._optimizer = Optimizer(self.training.optimizer, self._trained(), len(self.training.groups))
                self._optimizer.rate()
            except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
                fail(f"{path}: its optimizer is damaged: {type(error).__name__}: {error}")
            self._load_state()

    @property
    def optimizer(self) -> Optimizer:
        return self._optimizer or fail(f"{self.path}: the model has no loss and optimizer: it was saved before compile")

    def _trained(self) -> List[Tuple[Any, Tensor]]:
        """The weights that train, in the file's order."""
        weights = self.module.weights()
        return [weights[name] for name in self.arrays if name in weights and weights[name][0].trainable]

    def _outline(self) -> List[List[int]]:
        """The shapes of the outputs, from a run on zeros, which tells whether the weights fit each other."""
        reason: Optional[LanegradError] = None
        lengths = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
        is_open = any(None in entry["shape"] for entry in self.module.inputs)
        rows = self.rows_of_states or 1
        for length in lengths if is_open else [1]:
            inputs = []
            for entry in self.module.inputs:
                shape = [length if n is None else n for n in entry["shape"]]
                dtype = torch.int32 if entry["dtype"] == "int32" else torch.float32
                x = torch.zeros([rows, *shape], dtype=dtype)
                x.lanegrad_input = entry["name"]
                inputs.append(x)
            try:
                with torch.no_grad(), _kept(self.module, lambda info: info.is_state):
                    run = Run.of(self.module.eval()(*inputs, full=True))
            except LanegradError as error:
                reason = reason or error
                continue
            self.masked = [_is_masked(prediction) for prediction in run.predictions]
            return [list(prediction.shape[1:]) for prediction in run.predictions]
        raise LanegradError(f"{self.path}: {reason}")

    def _load_state(self) -> None:
        optimizer = self.optimizer
        if "optimizerState" not in self.metadata:
            return
        state = _parsed("optimizerState", self.metadata)
        try:
            optimizer.step_count = int(state["stepCount"])
            optimizer.momentum_product = float(state["momentumProduct"])
            self.epoch_count = int(state["epochCount"])
            optimizer.micro_count = int(state.get("microCount", 0))
            if optimizer.micro_count:
                optimizer.micro_weights = [float(weight) for weight in state["microWeights"]]
            optimizer.learning_rate = float(state.get("learningRate", optimizer.learning_rate))
            weights = optimizer.micro_weights
            check(len(weights) == len(self.training.groups), "microWeights", f"{len(self.training.groups)} numbers", weights)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            fail(f"{self.path}: optimizerState is damaged: {type(error).__name__}: {error}")
        for group in optimizer.param_groups:
            p = group["params"][0]
            for slot, value in optimizer.state[p].items():
                name = f"optimizer/{slot}/{group['name']}"
                array = self.arrays.get(name)
                if array is None:
                    fail(f"{self.path} lacks {name}")
                fits = array.size == p.numel() and array.dtype == np.float32
                check(fits, f"{self.path}: {name}", f"{p.numel()} numbers", list(array.shape))
                value.copy_(torch.from_numpy(np.array(array)).view_as(p))

    # -- where it runs

    def to(self, device: Any) -> "Net":
        """Moves weights and the optimizer's state, before `wrap`."""
        self.device = torch.device(device)
        self.module.to(self.device)
        if self._optimizer:
            for slots in self._optimizer.state.values():
                for name, value in slots.items():
                    slots[name] = value.to(self.device)
        return self

    def wrap(self, wrapper: Callable[[nn.Module], nn.Module]) -> "Net":
        """Lets training run through `wrapper(module)`, such as `DistributedDataParallel`, which averages gradients.

        Without one, a process group that is initialized is used all the same: gradients are summed by one message.
        """
        self.runner = wrapper(self.module)
        self.is_wrapped = True
        return self

    def shard(self) -> "Net":
        """Cuts the weights and the optimizer's state over the processes, for a model too large for one, in the place of `wrap`.

        All processes must then call the same methods, `predict` and `save` as well.
        """
        if distributed.world() > 1:
            self.module.shards = Shards(self.module)
            if self._optimizer:
                weights = {name: value for name, (_, value) in self.module.weights().items()}
                self._optimizer.cut(self.module.shards, weights)
        return self

    # -- running

    def forward(self, x: Any) -> Any:
        """The module's outputs for arrays, as tensors that differentiate."""
        return self.runner(*self._inputs("forward: x", x))

    @torch.no_grad()
    def predict(self, x: Any) -> Any:
        """The outputs for x: an array, a list of arrays or a dict of them, as the model's inputs and outputs are."""
        inputs = self._inputs("predict: x", x)
        run = Run.of(self.module.eval()(*inputs, full=True))
        return self.module.structured([y.cpu().numpy() for y in run.predictions])

    def _inputs(self, what: str, x: Any) -> List[Tensor]:
        entries = self.module.inputs
        names = [entry["name"] for entry in entries]
        parts = split(what, x, names, self.module.input_structure)
        arrays = {}
        for entry, part in zip(entries, parts):
            label = f"{what} {entry['name']}" if len(entries) > 1 else what
            array = rows_of(label, part, entry["shape"], entry["dtype"])
            if entry["name"] in self.module.limits:
                count, layer = self.module.limits[entry["name"]]
                if len(array) and not (0 <= array.min() and array.max() < count):
                    fail(f"{label}: layer {layer} takes ids from 0 to {count - 1}; got {array.min()} to {array.max()}")
            arrays[label] = array
        rows = common_rows(arrays)
        if self.rows_of_states not in (None, rows):
            fail(f"{what}: the model keeps states for {self.rows_of_states} rows; got {rows}")
        return [tensor_of(array, self.device) for array in arrays.values()]

    def batch(self, what: str, x: Any, y: Any, sample_weight: Any = None) -> Batch:
        """Checked tensors of data."""
        training = self.training or fail(f"{self.path}: the model has no loss: it was saved before compile")
        inputs = self._inputs(f"{what}: x", x)
        rows = len(inputs[0])
        names = [entry.name for entry in training.outputs]
        structure = self.module.output_structure
        labels = [f"{what}: y {name}" if len(names) > 1 else f"{what}: y" for name in names]
        targets = []
        for label, entry, part in zip(labels, training.outputs, split(f"{what}: y", y, names, structure)):
            array = rows_of(label, part, entry.target_shape(self._open_shape(entry.index)), "int32" if takes_labels(entry.loss) else "float32")
            entry.check_target(label, array)
            check(len(array) == rows, label, f"{rows} rows, as x has", len(array))
            targets.append(tensor_of(array, self.device))
        weights: List[Optional[Tensor]] = [None] * len(names)
        if sample_weight is not None:
            for i, part in enumerate(split(f"{what}: sample_weight", sample_weight, names, structure)):
                if part is None:
                    continue
                array = np.asarray(part, np.float32)
                positions = targets[i].shape if takes_labels(training.outputs[i].loss) else targets[i].shape[:-1]
                wide = array.shape[: len(positions)] + (1,) * (len(positions) - array.ndim)
                fits = array.ndim > 0 and len(array) == rows and all(n in (1, p) for n, p in zip(wide, positions))
                check(fits, f"{what}: sample_weight", f"one weight for each of {rows} rows or positions", list(array.shape))
                weights[i] = tensor_of(array, self.device)
        return Batch(inputs, targets, weights, rows)

    def _open_shape(self, index: int) -> List[Optional[int]]:
        """The shape of an output's rows; any size where an input has an axis of any length."""
        shape = self.shapes[index]
        is_open = any(None in entry["shape"] for entry in self.module.inputs)
        return [None] * len(shape) if is_open else list(shape)

    # -- training

    def run(self, batch: Batch) -> Run:
        """The forward pass of a training step."""
        self.runner.train()
        return Run.of(self.runner(*batch.x, full=True))

    def losses(self, run: Run, batch: Batch) -> "Losses":
        """The loss of a run with its gradient's parts: `total` is what a wrapped module's `backward` takes."""
        training = self.training
        assert training is not None
        run = run if isinstance(run, Run) else Run.of(run)
        parts = training.parts(run, batch.y, batch.weights, batch.rows)
        return Losses(parts.groups, parts.factors, parts.value, parts.terms)

    def step(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """One training step, as lanegrad's trainStep. Gives the loss before the update.

        In several processes each gives its own rows, as many as it has; the step is that of all rows together.
        """
        return self.step_on(self.batch("step", x, y, sample_weight)).value

    def step_on(self, batch: Batch) -> "Losses":
        """The same on tensors."""
        optimizer, training = self.optimizer, self.training
        assert training is not None
        is_single = len(training.groups) == 1 or optimizer.micro_steps == 1
        parameters = optimizer.parameters
        if self.is_wrapped and is_single:
            losses = self.losses(self.run(batch), batch)
            self.module.zero_grad(set_to_none=True)
            losses.total.backward()
            gradients = [[torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]]
        else:
            self.module.train()
            losses = self.losses(Run.of(self.module(*batch.x, full=True)), batch)
            parts = [sum(losses.groups[1:], losses.groups[0])] if optimizer.micro_steps == 1 else losses.groups
            gradients = [self._gradients(part, i < len(parts) - 1) for i, part in enumerate(parts)]
        if optimizer.micro_steps == 1:
            optimizer.update(gradients[0])
        else:
            optimizer.accumulate(gradients, losses.factors, [group == "sum" for group in training.groups])
        return losses

    def gradients(self, x: Any, y: Any, sample_weight: Any = None) -> Dict[str, np.ndarray]:
        """The gradients of the loss by the names of the weights that train; nothing is updated."""
        batch = self.batch("gradients", x, y, sample_weight)
        with _kept(self.module, lambda info: not info.trainable):
            self.module.train()
            losses = self.losses(Run.of(self.module(*batch.x, full=True)), batch)
        found = self._gradients(sum(losses.groups[1:], losses.groups[0]), False)
        return {name: self.optimizer.whole(name, g).cpu().numpy() for name, g in zip(self.optimizer.names, found)}

    def _gradients(self, part: Tensor, keep: bool) -> List[Tensor]:
        """The gradients of a part of the loss, summed over processes."""
        parameters = self.optimizer.parameters
        found: Sequence[Optional[Tensor]] = [None] * len(parameters)
        if part.requires_grad:
            found = torch.autograd.grad(part, parameters, retain_graph=keep, allow_unused=True)
        gradients = [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters)]
        return gradients if self.module.shards else distributed.add_gradients(gradients)

    @torch.no_grad()
    def evaluate(self, x: Any, y: Any, sample_weight: Any = None, batch_size: Optional[int] = None) -> Dict[str, float]:
        """The loss and the metrics the model was compiled with, by name, as lanegrad's evaluate gives them.

        `batch_size`: rows that are computed at once, by default all. Several processes give their own rows, in as many batches each.
        """
        whole = self.batch("evaluate", x, y, sample_weight)
        meter = Meter(self.training)
        size = batch_size or whole.rows
        for start in range(0, whole.rows, size):
            batch = whole.part(slice(start, start + size))
            run = Run.of(self.module.eval()(*batch.x, full=True))
            meter.add(run, batch, self.losses(run, batch))
        return meter.logs()

    def flush(self) -> None:
        """The update by gradients that wait for more steps, as at the end of fit's epochs."""
        self.optimizer.flush()

    # -- saving

    def save(self, path: PathLike, include_optimizer: bool = True) -> None:
        """Writes the file, whole or not at all; of several processes the first one writes, and all wait."""
        arrays: Dict[str, np.ndarray] = {}
        metadata = dict(self.metadata)
        weights = self.module.weights()
        for name in self.arrays:
            if name in weights:
                arrays[name] = self.module.whole(name, weights[name][1].detach()).cpu().numpy()
        metadata.pop("optimizerState", None)
        optimizer = self._optimizer
        if optimizer and include_optimizer:
            for name, slots in optimizer.states():
                for slot, value in slots.items():
                    arrays[f"optimizer/{slot}/{name}"] = optimizer.whole(name, value.detach()).cpu().numpy().reshape(-1)
            state: Dict[str, Any] = {
                "stepCount": optimizer.step_count,
                "momentumProduct": optimizer.momentum_product,
                "epochCount": self.epoch_count,
                "microCount": optimizer.micro_count,
                "learningRate": optimizer.learning_rate,
            }
            if optimizer.micro_count:
                state["microWeights"] = optimizer.micro_weights
            metadata["optimizerState"] = json.dumps(state)
        if distributed.rank() == 0:
            write_file(path, arrays, metadata)
        distributed.barrier()


@dataclass
class Losses:
    """The loss of a step: this process's part of each group of losses, whose sums over the processes are the loss."""

    groups: List[Tensor]
    factors: List[float]  # what each group's gradients weigh beside those of other steps
    value: float  # the loss over all processes
    terms: List[Tuple[str, float, float, bool]]  # what a Meter takes: of outputs, penalties and added losses

    @property
    def total(self) -> Tensor:
        """The loss for wrappers that average gradients over processes."""
        return sum(self.groups[1:], self.groups[0]) * distributed.world()


def _is_masked(prediction: Tensor) -> bool:
    mask = mask_of(prediction)
    return mask is not None and mask.dim() < prediction.dim()


class _kept:
    """Brings weights that no gradient moves back to what they were."""

    def __init__(self, module: Network, which: Callable[[Weight], bool]) -> None:
        self.values = [value for info, value in module.weights().values() if which(info)]

    def __enter__(self) -> None:
        self.copies = [value.detach().clone() for value in self.values]

    @torch.no_grad()
    def __exit__(self, *_: Any) -> None:
        for value, copy in zip(self.values, self.copies):
            value.copy_(copy)


def _parsed(key: str, metadata: Mapping[str, str]) -> Any:
    try:
        value = json.loads(metadata[key])
    except (KeyError, ValueError, RecursionError):
        fail(f"the file's {key} is damaged or missing")
    check(isinstance(value, dict), f"the file's {key}", "an object", value)
    return value


def load(
    path: PathLike,
    *,
    custom: Optional[Mapping[str, Type[Layer]]] = None,
    losses: Optional[Mapping[str, Callable[..., Tensor]]] = None,
    device: Any = "cpu",
) -> Net:
    """The net of a file that lanegrad's `save` or `Net.save` wrote.

    `custom`: classes for the file's own kinds of layers (customLayer), subclasses of `Layer`, by kind.
    `losses`: functions for losses of the file's own, by name. Of customLoss: (truth, prediction) to values of the first axes
    of the prediction, or to one number; of graphLoss: (values by name, weights by name) to a tensor, whose mean it is.
    Raises LanegradError in one line where the file is damaged, newer, or needs what isn't known.
    """
    arrays, metadata = read_file(path)
    options = {"custom": custom, "losses": losses or {}}
    net = Net(str(path), arrays, metadata, options)
    return net.to(device)
