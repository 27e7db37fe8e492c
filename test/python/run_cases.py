"""Runs the cases of cases.ts in PyTorch: `run_cases.py FOLDER [RANK WORLD]`.

Reads FOLDER/cases.json, NAME.safetensors and NAME.data.safetensors of each case; writes FOLDER/report.json and
NAME.back.safetensors, or of several processes FOLDER/report-RANK.json.
"""

import json
import sys
from pathlib import Path
from typing import Any, Dict

import numpy as np
import torch
import torch.distributed as dist

sys.path.insert(0, str(Path(__file__).parents[2] / "python"))

import lanegrad_torch  # noqa: E402
from lanegrad_torch.format import read_file  # noqa: E402

STEPS = 20
SHARDED = 10  # of them, by processes that hold a part of every weight: each is dozens of messages


class Scaled(lanegrad_torch.Layer):
    """What the customLayer `scaled` of cases.ts is."""

    def build(self) -> None:
        self.weight("factor", (None,))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x ** self.config["power"] * self.factor


OWN = {
    "custom": {"scaled": Scaled},
    "losses": {
        "cubic": lambda truth, prediction: (truth - prediction).abs() ** 3,
        "apart": lambda values, weights: values["size"] ** 2,
    },
}


def data_of(folder: Path, name: str, net: lanegrad_torch.Net, part: slice) -> Dict[str, Any]:
    """x, y and the weights as the net takes them."""
    arrays, _ = read_file(folder / f"{name}.data.safetensors")
    x = [array[part] for key, array in arrays.items() if key.startswith("x")]
    y = [array[part] for key, array in arrays.items() if key.startswith("y")]
    network = net.module
    if network.input_structure == "single":
        x = x[0]
    elif network.input_structure == "record":
        x = dict(zip((entry["name"] for entry in network.inputs), x))
    if network.output_structure == "single":
        y = y[0]
    elif network.output_structure == "record":
        y = dict(zip((entry["name"] for entry in network.outputs), y))
    return {"x": x, "y": y, "sample_weight": arrays["weights"][part] if "weights" in arrays else None}


def listed(value: Any) -> Any:
    if isinstance(value, dict):
        return [listed(own) for own in value.values()]
    return [listed(own) for own in value] if isinstance(value, list) else value.reshape(-1).tolist()


def run(folder: Path, case: Dict[str, Any]) -> Dict[str, Any]:
    name = case["name"]
    net = lanegrad_torch.load(folder / f"{name}.safetensors", **OWN)
    own = data_of(folder, name, net, slice(None))
    prediction = net.predict(own["x"])
    if case["isStateful"]:
        net = lanegrad_torch.load(folder / f"{name}.safetensors", **OWN)
    logs = net.evaluate(**own, batch_size=None if case["isWhole"] else 2)
    if case["isStateful"]:
        net = lanegrad_torch.load(folder / f"{name}.safetensors", **OWN)
    gradients = {key: g.reshape(-1).tolist() for key, g in net.gradients(**own).items()}
    losses = [net.step(**own) for _ in range(STEPS)]
    net.save(folder / f"{name}.back.safetensors")
    flat = listed(prediction)
    return {"predictions": flat if isinstance(flat[0], list) else [flat], "gradients": gradients, "losses": losses, "logs": logs}


def run_part(folder: Path, case: Dict[str, Any], rank: int, wrapped: bool) -> Dict[str, Any]:
    """The steps on three of five rows in one process, on two in the other."""
    name = case["name"]
    net = lanegrad_torch.load(folder / f"{name}.safetensors", **OWN)
    if wrapped:
        net.wrap(lambda module: torch.nn.parallel.DistributedDataParallel(module, find_unused_parameters=True))
    own = data_of(folder, name, net, slice(0, 3) if rank == 0 else slice(3, 5))
    logs = net.evaluate(**own)
    losses = [net.step(**own) for _ in range(STEPS)]
    net = lanegrad_torch.load(folder / f"{name}.safetensors", **OWN).shard()
    sharded = [net.step(**own) for _ in range(SHARDED)]
    net.save(folder / f"{name}.cut.safetensors")
    return {"losses": losses, "sharded": sharded, "logs": logs}


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    cases = json.loads((folder / "cases.json").read_text())
    report: Dict[str, Any] = {}
    rank, world = (int(n) for n in sys.argv[2:4]) if len(sys.argv) > 2 else (0, 1)
    if world > 1:
        dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    for i, case in enumerate(cases):
        if world > 1 and (case["isWhole"] or case["isRandom"]):
            continue
        try:
            report[case["name"]] = run(folder, case) if world == 1 else run_part(folder, case, rank, i % 2 == 1)
        except Exception as error:  # the others go on: the test tells which failed
            if world > 1:
                raise
            import traceback

            report[case["name"]] = {"error": "".join(traceback.format_exception(error))}
    (folder / (f"report-{rank}.json" if world > 1 else "report.json")).write_text(json.dumps(report))


if __name__ == "__main__":
    main()
