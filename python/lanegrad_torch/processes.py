"""Several processes that train together: how they start, find each other, and end when one of them can't go on."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence

import torch
import torch.distributed as dist

from . import distributed
from .errors import LanegradError, fail

RENDEZVOUS = "LANEGRAD_RENDEZVOUS"  # where processes of `launch` meet
LOST = 3  # exit code of a process that has lost another one: `launch` tells of it
SECONDS_TO_END = 10.0  # that processes have for their last words when one of them has ended


def launch(script: str, arguments: Sequence[str], count: int) -> int:
    """Runs a script of Python in processes of their own that form a group. Gives 0, or 1 if one of them failed."""
    with tempfile.TemporaryDirectory(prefix="lanegrad-") as folder:
        common = {
            **os.environ,
            "WORLD_SIZE": str(count),
            "LOCAL_WORLD_SIZE": str(count),
            RENDEZVOUS: Path(folder, "rendezvous").as_uri(),
        }
        if sys.platform == "linux":
            common.setdefault("GLOO_SOCKET_IFNAME", "lo")  # names of hosts needn't lead anywhere
        common.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
        command = [sys.executable, script, *arguments]
        processes = [
            subprocess.Popen(command, env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)})
            for rank in range(count)
        ]
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        try:
            return _wait(processes)
        except KeyboardInterrupt:  # it went to all of them
            _end(processes)
            return 130
        finally:
            _end(processes, at_once=True)


def _wait(processes: List["subprocess.Popen[bytes]"]) -> int:
    codes: List[Optional[int]] = [None]
    while None in codes and not any(codes):
        time.sleep(0.05)
        codes = [process.poll() for process in processes]
    if not any(codes):
        return 0
    _end(processes)
    codes = [process.returncode for process in processes]
    killed = next((rank for rank, code in enumerate(codes) if code is not None and code < 0), None)
    if 1 not in codes and killed is not None:
        name = signal.Signals(-(codes[killed] or 0)).name
        told = f"process {killed} of {len(processes)} was ended by {name}"
        print(f"train.py: {told}: the same command again goes on from --checkpoint", file=sys.stderr)
    return 1


def _end(processes: Sequence["subprocess.Popen[bytes]"], at_once: bool = False) -> None:
    """Waits for all of them, and ends those that stay."""
    limit = time.monotonic() + (0 if at_once else SECONDS_TO_END)
    while any(process.poll() is None for process in processes) and time.monotonic() < limit:
        time.sleep(0.05)
    for process in processes:
        if process.poll() is None:
            process.kill()
    for process in processes:
        process.wait()


def end_with_parent() -> None:
    """Ends this process when the one that started it has gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def process_group(device: Optional[str]) -> Iterator[torch.device]:
    """Joins the group that the environment names, as torchrun and `launch` set it, or one that is there (Ray Train's).

    Gives the device of this process: `device`, or its own GPU where there are some, or the CPU.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        own = torch.device(chosen)
    except RuntimeError:
        fail(f"--device: expected cpu, cuda or cuda:N; got {chosen}")
    if own.type == "cuda":
        if not torch.cuda.is_available():
            fail("--device cuda: PyTorch sees no GPU")
        if own.index is None:
            own = torch.device("cuda", local % torch.cuda.device_count())
        torch.cuda.set_device(own)
    is_mine = world > 1 and not dist.is_initialized()
    if is_mine:
        backend = "nccl" if own.type == "cuda" and local < torch.cuda.device_count() else "gloo"
        if RENDEZVOUS in os.environ:
            end_with_parent()
        dist.init_process_group(
            backend,
            init_method=os.environ.get(RENDEZVOUS, "env://"),
            rank=int(os.environ["RANK"]),
            world_size=world,
        )
    try:
        yield own
    finally:
        if is_mine:
            dist.destroy_process_group()


@contextmanager
def together() -> Iterator[None]:
    """What one process can't do ends all of them, with the same error, so that none waits for another."""
    error: Optional[LanegradError] = None
    try:
        yield
    except LanegradError as own:
        error = own
    if distributed.world() == 1:
        if error:
            raise error
        return
    [failed] = distributed.add_numbers([float(error is not None)], _collective_device())
    if failed:
        raise LanegradError(_first(str(error) if error else None))


def _first(message: Optional[str]) -> str:
    messages = gathered(message)
    rank, first = next((rank, text) for rank, text in enumerate(messages) if text)
    return first if all(text == first for text in messages) else f"{first} (in process {rank} of {len(messages)})"


def gathered(value: Any) -> List[Any]:
    """The values of all processes."""
    values: List[Any] = [None] * distributed.world()
    if len(values) == 1:
        return [value]
    dist.all_gather_object(values, value)
    return values


def check_same(what: str, fingerprint: str) -> None:
    """Raises in all processes where they don't have the same of something."""
    first, *rest = gathered(fingerprint)
    others = [rank for rank, own in enumerate(rest, 1) if own != first]
    if others:
        fail(f"{what}: process {others[0]} of {distributed.world()} sees another one than process 0")


def _collective_device() -> torch.device:
    return torch.device("cuda") if dist.get_backend() == "nccl" else torch.device("cpu")
