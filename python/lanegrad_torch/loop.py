"""The training loop: `fit` over any number of processes, which train together with what one would train with."""

import hashlib
import json
import random
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from . import distributed
from .config import Config
from .errors import check, fail
from .metrics import Meter
from .net import Batch, Net, load
from .network import Run
from .processes import check_same, process_group, together
from .progress import Progress
from .shuffle import epoch_order
from .sources import Rows, read_arrays

CHECKPOINT = "checkpoint.safetensors"
STATE = "trainLoop"  # the metadata of a checkpoint that tell how far it is


def train_loop(config: Mapping[str, Any]) -> Dict[str, List[float]]:
    """Trains a model of lanegrad's and writes it to `output`. Gives the history: a number for each epoch, by name.

    `config` has the options of `train.py` as keys: `{"model": ..., "data": ..., "output": ..., "epochs": 3}`.
    Every process of a group calls it with the same ones: Ray Train's and Spark's workers as well as those of torchrun.
    With the same `batch_size` the number of processes changes nothing but the speed.
    Raises LanegradError in one line, in all processes, where a file or an option is wrong; then nothing is written.
    """
    with process_group(config.get("device")) as device:
        with together():
            options = Config.of(config)
        loop = _Loop(options, device)
        try:
            return loop.run()
        finally:
            if loop.progress:
                loop.progress.close()


class _Loop:
    def __init__(self, config: Config, device: torch.device) -> None:
        self.config = config
        self.progress: Optional[Progress] = None
        self.history: Dict[str, List[float]] = {}
        self.epoch = 0  # of this training, from 0
        self.step = 0  # steps of the epoch that are done
        with together():
            self.net = self._load(device)
            self.meter = self._meter()
        with together():
            train = Rows("data", read_arrays(config.data), self.net, config.divide)
            held: Optional[Rows] = None
            if config.validation:
                held = Rows("validation", read_arrays(config.validation, "t10k"), self.net, config.divide)
            elif config.validation_split:
                # as fit: the last rows, rounded as it rounds them
                kept = int(np.floor(train.count * (1 - config.validation_split) + 1e-9 * train.count))
                some = 0 < kept < train.count
                check(some, "validation_split", f"a share of {train.count} rows", config.validation_split)
                train, held = train.part(0, kept), train.part(kept, train.count)
            self.train, self.held = train, held
            self.batch_size = self._batch_size()
        run = {
            "model": hashlib.sha256(Path(config.model).read_bytes()).hexdigest(),
            "data": train.fingerprint(),
            "batch size": config.batch_size,
            "order": config.shuffle,
            "divisor": config.divide,
            "held out": config.validation_split,
        }
        for what, own in (("the model", run["model"]), ("the data", run["data"]), ("the options", json.dumps(run))):
            check_same(what, str(own))
        with together():
            self.identity = run
            self._resume(device)
        self._wrap()

    def _load(self, device: torch.device) -> Net:
        net = load(self.config.model, custom=self.config.custom, losses=self.config.losses, device=device)
        net.optimizer  # raises where the model isn't compiled
        return net

    def _meter(self, sums: Optional[Mapping[str, Sequence[float]]] = None) -> Meter:
        """The losses of an epoch: exact means, whatever the sizes of the batches. Metrics are for `validation`."""
        meter = Meter(self.net.training)
        meter.metrics.clear()
        meter.means.update({key: [float(total), float(count)] for key, (total, count) in (sums or {}).items()})
        return meter

    def _batch_size(self) -> int:
        states = self.net.rows_of_states
        if states is None:
            return self.config.batch_size
        if distributed.world() > 1:
            fail(f"the model keeps states for {states} rows from batch to batch: it trains in one process")
        whole = self.train.count % states == 0
        check(whole, "data", f"a multiple of {states} rows, for which the model keeps states", self.train.count)
        return states

    # -- checkpoints

    @property
    def checkpoint(self) -> Optional[Path]:
        return Path(self.config.checkpoint, CHECKPOINT) if self.config.checkpoint else None

    def _resume(self, device: torch.device) -> None:
        path = self.checkpoint
        if not path:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fail(f"{path.parent}: {error.strerror}")
        if not path.exists():
            return
        net = load(path, custom=self.config.custom, losses=self.config.losses, device=device)
        try:
            state = json.loads(net.metadata[STATE])
            other = [name for name, value in self.identity.items() if state["run"][name] != value]
            self.epoch, self.step, self.history = int(state["epoch"]), int(state["step"]), state["history"]
            sums = dict(state["losses"])
        except (KeyError, TypeError, ValueError):
            fail(f"{path}: not a checkpoint of train.py")
        if other:
            fail(f"{path} is of another training, of another {other[0]}: remove it, or give another folder")
        self.net = net
        self.meter = self._meter(sums)
        for rows in (self.train, self.held):
            if rows:
                rows.net = net

    def _save_checkpoint(self) -> None:
        if not self.checkpoint:
            return
        state = {
            "run": self.identity,
            "epoch": self.epoch,
            "step": self.step,
            "history": self.history,
            "losses": self.meter.means,
        }
        self.net.metadata[STATE] = json.dumps(state)
        self.net.save(self.checkpoint)

    # -- several processes

    def _wrap(self) -> None:
        """Cuts the model over the processes, or lets PyTorch average the gradients, while it computes them."""
        if self.config.fsdp:
            self.net.shard()
        elif distributed.world() > 1:
            module = self.net.module
            some = np.arange(min(distributed.world(), self.train.count))
            unused = _unused(self.net, self._batch_of(some, self.train))
            if len(unused) == sum(p.requires_grad for p in module.parameters()):
                return
            DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(module, unused)
            self.net.wrap(lambda inner: DistributedDataParallel(inner, broadcast_buffers=False))

    def _batch_of(self, indices: np.ndarray, rows: Rows) -> Batch:
        """This process's part of a batch; it may have no rows."""
        world, rank, count = distributed.world(), distributed.rank(), len(indices)
        own = indices[count * rank // world : count * (rank + 1) // world]
        batch: Optional[Batch] = None
        with together():
            batch = rows.batch(own if len(own) else indices[:1])
        assert batch is not None
        return batch if len(own) else batch.part(slice(0, 0))

    # -- running

    def run(self) -> Dict[str, List[float]]:
        config, net = self.config, self.net
        if distributed.rank() == 0 and not config.quiet:
            self.progress = Progress(config.epochs, self.train.count)
            self.progress.line(self._headline())
        for self.epoch in range(self.epoch, config.epochs):
            logs = self._run_epoch()
            if self.held:
                logs.update({f"val_{name}": value for name, value in self._evaluate(self.held).items()})
            for name, value in logs.items():
                self.history.setdefault(name, []).append(value)
            if self.progress:
                self.progress.end(logs)
            self.epoch += 1
            self._save_checkpoint()
        net.metadata.pop(STATE, None)
        net.save(config.output)
        if distributed.rank() == 0:
            if config.history:
                Path(config.history).write_text(json.dumps(self.history) + "\n", encoding="utf-8")
            if self.checkpoint:
                self.checkpoint.unlink(missing_ok=True)
        return self.history

    def _headline(self) -> str:
        world, device = distributed.world(), self.net.device
        weights = sum(value.numel() for info, value in self.net.module.weights().values() if not info.is_state)
        where = f"{world} processes, {device.type}" if world > 1 else str(device)
        begun = f"; going on in epoch {self.epoch + 1}, after {self.step} steps" if self.epoch or self.step else ""
        return f"{weights:,} weights; {self.train.count:,} rows, batches of {self.batch_size}; {where}{begun}"

    def _run_epoch(self) -> Dict[str, float]:
        net, size, count = self.net, self.batch_size, self.train.count
        is_shuffled = self.config.shuffle and net.rows_of_states is None
        order = epoch_order(count, net.seed, net.epoch_count) if is_shuffled else np.arange(count)
        if self.progress:
            self.progress.begin(self.epoch, self.step * size)
        for start in range(self.step * size, count, size):
            batch = self._batch_of(order[start : start + size], self.train)
            _seed(net.seed, net.epoch_count, self.step)
            losses = net.step_on(batch)
            if not np.isfinite(losses.value):
                where = f"step {self.step + 1} of epoch {self.epoch + 1}"
                fail(f"the loss is {losses.value} in {where}; {self.config.output} isn't written")
            self.meter.add(None, batch, losses)
            self.step += 1
            if self.progress:
                self.progress.batch(min(start + size, count), self.meter.logs()["loss"])
            if self.step % self.config.checkpoint_steps == 0 and start + size < count:
                self._save_checkpoint()
        net.flush()
        net.epoch_count += 1
        logs = self.meter.logs()
        self.step, self.meter = 0, self._meter()
        return logs

    @torch.no_grad()
    def _evaluate(self, rows: Rows) -> Dict[str, float]:
        net, meter = self.net, Meter(self.net.training)
        net.module.eval()
        for start in range(0, rows.count, self.batch_size):
            batch = self._batch_of(np.arange(start, min(start + self.batch_size, rows.count)), rows)
            run = Run.of(net.module(*batch.x, full=True))
            meter.add(run, batch, net.losses(run, batch))
        return meter.logs()


def _unused(net: Net, batch: Batch) -> List[str]:
    """The names of parameters that get no gradient, which PyTorch would wait for."""
    names = [name for name, p in net.module.named_parameters() if p.requires_grad]
    run = Run.of(net.module.eval()(*batch.x, full=True))
    total = net.losses(run, batch).total
    if not total.requires_grad:
        return names
    found = torch.autograd.grad(total, [net.module.get_parameter(name) for name in names], allow_unused=True)
    return [name for name, gradient in zip(names, found) if gradient is None]


def _seed(*numbers: int) -> None:
    """The same random numbers in a step, whether the training was interrupted before or not."""
    seed = random.Random(repr((*numbers, distributed.rank()))).getrandbits(63)
    torch.manual_seed(seed)
