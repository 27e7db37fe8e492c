"""Data on the disk: .npy, safetensors and IDX files, memory-mapped, as rows for a net.

A folder holds `x.npy` and `y.npy` (and `weights.npy`), of several inputs or outputs `x.NAME.npy` and `y.NAME.npy`; or
one safetensors file with arrays of these names; or IDX files as MNIST's, `train-images...` and `train-labels...` to
train on, `t10k-...` to validate with, zipped or not. The path of a safetensors file alone will do as well.
"""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Dict, List, Optional, Sequence

import numpy as np

from .errors import LanegradError, fail
from .format import PathLike, read_file
from .net import Batch, Net

IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
SAMPLED_BLOCKS = 64
BLOCK_BYTES = 4096


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file; one that isn't zipped stays on the disk."""
    zipped = path.suffix == ".gz"
    with (gzip.open(path) if zipped else path.open("rb")) as file:
        head = file.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in IDX_TYPES or head[3] == 0:
            fail(f"{path}: not an IDX file")
        rank, dtype = head[3], np.dtype(IDX_TYPES[head[2]])
        sizes = file.read(4 * rank)
        shape = [int.from_bytes(sizes[at : at + 4], "big") for at in range(0, 4 * rank, 4)]
        count = 1
        for size in shape:
            count *= size
        size = 4 + 4 * rank + count * dtype.itemsize
        if not zipped:
            found = path.stat().st_size
            if found != size:
                fail(f"{path}: expected {size} bytes for {' x '.join(map(str, shape))}; got {found}")
            return np.memmap(path, dtype, "r", 4 + 4 * rank, tuple(shape)) if count else np.zeros(shape, dtype)
        data = _read_in_parts(file, count * dtype.itemsize)
        if len(data) != count * dtype.itemsize or file.read(1):
            fail(f"{path}: its length isn't that of {' x '.join(map(str, shape))} unzipped")
        return np.frombuffer(data, dtype).reshape(shape)


def _read_in_parts(file: BinaryIO, count: int) -> bytes:
    """As many bytes as there are of `count`, which is only a claim of the file."""
    parts = []
    while count > 0:
        part = file.read(min(count, 1 << 24))
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def read_npy(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _idx_files(folder: Path, part: str) -> Dict[str, Path]:
    files = {}
    for name, word in (("x", "images"), ("y", "labels")):
        found = sorted(folder.glob(f"{part}-{word}*"))
        if found:
            files[name] = found[0]
    return files


def read_arrays(path: PathLike, part: str = "train") -> Dict[str, np.ndarray]:
    """The arrays of a file or folder by name. `part`: which of IDX files are taken, `train` or `t10k`."""
    path = Path(path)
    try:
        if path.is_file():
            if path.suffix != ".safetensors":
                fail(f"{path}: expected a folder or a file that ends in .safetensors")
            return read_file(path)[0]
        if not path.is_dir():
            fail(f"no such folder: {path}")
        numpy_files = sorted(path.glob("*.npy"))
        if numpy_files:
            return {file.stem: read_npy(file) for file in numpy_files}
        others = sorted(path.glob("*.safetensors"))
        if len(others) > 1:
            fail(f"{path}: expected one safetensors file; got {', '.join(file.name for file in others)}")
        if others:
            return read_file(others[0])[0]
        idx = _idx_files(path, part)
        if len(idx) == 2:
            return {name: read_idx(file) for name, file in idx.items()}
    except LanegradError:
        raise
    except (OSError, EOFError, ValueError, zlib.error) as error:
        fail(f"{path}: {error}")
    fail(f"{path}: expected x.npy and y.npy, a safetensors file, or IDX files {part}-images... and {part}-labels...")


class Rows:
    """Rows of x and y, and their weights if there are any, for a net."""

    def __init__(self, where: str, arrays: Dict[str, np.ndarray], net: Net, divide: float = 1.0) -> None:
        training = net.training or fail(f"{net.path}: the model has no loss: compile it before it is saved")
        inputs = [entry["name"] for entry in net.module.inputs]
        outputs = [output.name for output in training.outputs]
        self.where = where
        self.divide = divide
        self.net = net
        left = dict(arrays)
        self.x = self._take(left, "x", inputs, net.module.input_structure)
        self.y = self._take(left, "y", outputs, net.module.output_structure)
        has_weights = any(name.split(".")[0] == "weights" for name in left)
        self.weights = self._take(left, "weights", outputs, net.module.output_structure) if has_weights else None
        if left:
            fail(f"{where}: there is no input or output for {', '.join(left)}")
        counts = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
        if len(set(counts.values())) > 1:
            found = ", ".join(f"{count} of {name}" for name, count in counts.items())
            fail(f"{where}: expected equal numbers of rows; got {found}")
        self.count: int = next(iter(counts.values()))
        if self.count == 0:
            fail(f"{where}: no rows")
        self.batch(np.arange(1))  # shapes that don't fit are told before anything runs

    def _take(self, arrays: Dict[str, np.ndarray], kind: str, names: Sequence[str], structure: str) -> Any:
        if len(names) == 1 and kind in arrays:
            keys = [kind]
        else:
            keys = [f"{kind}.{name}" for name in names]
        missing = [key for key in keys if key not in arrays]
        if missing:
            wanted = kind if len(names) == 1 else ", ".join(keys)
            fail(f"{self.where}: expected {wanted}; got {', '.join(arrays) or 'nothing'}")
        taken = [arrays.pop(key) for key in keys]
        if structure == "single":
            return taken[0]
        return taken if structure == "list" else dict(zip(names, taken))

    def batch(self, indices: np.ndarray) -> Batch:
        """The rows of these numbers."""

        def rows(array: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(array[indices])

        def scaled(array: np.ndarray) -> np.ndarray:
            part = rows(array)
            return part if self.divide == 1 else part.astype(np.float32) / np.float32(self.divide)

        weights: Optional[Any] = None if self.weights is None else _each(rows, self.weights)
        return self.net.batch(self.where, _each(scaled, self.x), _each(rows, self.y), weights)

    def part(self, start: int, end: int) -> "Rows":
        """The rows from one number to another."""
        result: Rows = object.__new__(Rows)
        result.__dict__.update(self.__dict__)
        for name in ("x", "y", "weights"):
            own = getattr(self, name)
            setattr(result, name, None if own is None else _each(lambda array: array[start:end], own))
        result.count = end - start
        return result

    def fingerprint(self) -> str:
        """A digest of types, shapes and some of the numbers, by which processes see whether they have the same rows."""
        digest = hashlib.sha256()
        for data in (self.x, self.y, self.weights):
            parts: List[np.ndarray] = []
            if data is not None:
                _each(parts.append, data)
            for array in parts:
                digest.update(f"{array.dtype}{array.shape}".encode())
                step = max(1, len(array) // SAMPLED_BLOCKS)
                for row in range(0, len(array), step):
                    digest.update(np.ascontiguousarray(array[row]).tobytes()[:BLOCK_BYTES])
        return digest.hexdigest()


def _each(work: Any, data: Any) -> Any:
    if isinstance(data, dict):
        return {name: work(array) for name, array in data.items()}
    return [work(array) for array in data] if isinstance(data, list) else work(data)
