"""What lanegrad_torch says to bad files and bad data: `run_bad_files.py FOLDER` prints JSON, a message for each.

FOLDER has the files bad-NAME.safetensors, the good file net.safetensors and ids.safetensors, a model of ids.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "python"))

import lanegrad_torch  # noqa: E402


def message_of(call: Callable[[], Any]) -> str:
    """The message of the error, or how it ended otherwise."""
    try:
        call()
    except lanegrad_torch.LanegradError as error:
        return str(error)
    except BaseException as error:
        return f"NOT OURS {type(error).__name__}: {error}"
    return "no error"


def fuzzed(folder: Path) -> Dict[str, str]:
    """Damaged copies of a good file, with what they ended in if it is neither a net nor an error of ours."""
    good = (folder / "net.safetensors").read_bytes()
    header = 8 + int.from_bytes(good[:8], "little")
    odd = {}
    draw = random.Random(4)
    for i in range(400):
        data = bytearray(good)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(header)] = draw.choice(b'0123456789"{}[],:-nt e\\\x00\xff')
        if i % 10 == 0:
            data = data[: draw.randrange(len(data))]
        path = folder / "fuzzed.safetensors"
        path.write_bytes(data)
        said = message_of(lambda: lanegrad_torch.load(path).predict(np.zeros((2, 4))))
        if said.startswith("NOT OURS") or "\n" in said:
            odd[str(i)] = said
    return odd


def main() -> None:
    folder = Path(sys.argv[1])
    report: Dict[str, Any] = {}
    for path in sorted(folder.glob("bad-*.safetensors")):
        report[path.stem[4:]] = message_of(lambda: lanegrad_torch.load(path))
    net = lanegrad_torch.load(folder / "net.safetensors")
    x, y = np.zeros((5, 4), np.float32), np.array([0, 1, 2, 0, 1])
    steps: Dict[str, Callable[[], Any]] = {
        "missing": lambda: lanegrad_torch.load(folder / "nowhere.safetensors"),
        "x of another shape": lambda: net.step(x[:, :3], y),
        "x without rows": lambda: net.step(x[:0], y[:0]),
        "NaN": lambda: net.predict(x * np.nan),
        "text": lambda: net.predict("x"),
        "x of objects": lambda: net.predict([None]),
        "fewer rows of y": lambda: net.step(x, y[:4]),
        "a label too high": lambda: net.step(x, y + 1),
        "fractions as labels": lambda: net.step(x, y + 0.5),
        "weights": lambda: net.step(x, y, np.ones(4)),
        "several inputs": lambda: net.step([x, x], y),
        "ids": lambda: lanegrad_torch.load(folder / "ids.safetensors").predict(np.array([[0, 5]])),
        "a folder that isn't there": lambda: net.save(folder / "nowhere" / "net.safetensors"),
        "a folder in the way": lambda: net.save(folder),
        "not compiled": lambda: lanegrad_torch.load(folder / "plain.safetensors").step(x, y),
    }
    report.update((name, message_of(call)) for name, call in steps.items())
    before = sorted(path.name for path in folder.iterdir())
    report["left"] = [name for name in before if name.startswith(".")]
    report["fuzzed"] = fuzzed(folder)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
