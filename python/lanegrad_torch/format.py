"""Reads and writes safetensors files: u64 header length | JSON header | data.

A file is untrusted: the header is checked before any array is made. Files are written whole or not at all.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple, Union

import numpy as np

from .errors import LanegradError, check, fail, shown

PathLike = Union[str, "os.PathLike[str]"]

METADATA = "__metadata__"
MOST_HEADER_BYTES = 100_000_000  # the format's own limit

# The types that lanegrad's files hold, and those of other makers that train.py reads.
DTYPES = {
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "F64": np.dtype("<f8"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "I16": np.dtype("<i2"),
    "U16": np.dtype("<u2"),
    "U32": np.dtype("<u4"),
    "U64": np.dtype("<u8"),
    "BOOL": np.dtype("?"),
}


def _once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a key twice")
    return result


def _header(path: Path) -> Tuple[Dict[str, Any], int]:
    """The parsed header and where the data begin."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        check(size >= 8 and length <= min(size - 8, MOST_HEADER_BYTES), str(path), "a safetensors file", f"{size} bytes")
        try:
            header = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            fail(f"{path}: the header is damaged: {error}")
    check(isinstance(header, dict), f"{path}: header", "an object", header)
    return header, 8 + length


def read_file(path: PathLike) -> Tuple[Dict[str, np.ndarray], Dict[str, str]]:
    """The arrays in the order of their data, memory-mapped and read-only, and the metadata."""
    path = Path(path)
    try:
        header, start = _header(path)
        size = path.stat().st_size - start
        metadata = header.pop(METADATA, {})
        fits = isinstance(metadata, dict) and all(isinstance(text, str) for text in metadata.values())
        check(fits, f"{path}: metadata", "texts by name", metadata)
        data = np.memmap(path, np.uint8, "r", start) if size else np.zeros(0, np.uint8)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    arrays: Dict[str, np.ndarray] = {}
    covered = 0
    for name, begin, end, dtype, shape in sorted(
        (_entry(path, name, entry) for name, entry in header.items()), key=lambda entry: entry[1:3]
    ):
        check(begin == covered and end <= size, f"{path}: tensor {name}", f"bytes from {covered} to at most {size}", [begin, end])
        arrays[name] = data[begin:end].view(dtype).reshape(shape)
        covered = end
    check(covered == size, f"{path}: data", f"{covered} bytes", size)
    return arrays, metadata


def _entry(path: Path, name: str, entry: Any) -> Tuple[str, int, int, np.dtype, List[int]]:
    what = f"{path}: tensor {shown(name)}"
    check(isinstance(entry, dict), what, "an object", entry)
    dtype = DTYPES.get(str(entry.get("dtype")))
    if dtype is None:
        fail(f"{what}: dtype must be one of {', '.join(DTYPES)}; got {shown(entry.get('dtype'))}")
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    for numbers in (shape, offsets):
        whole = isinstance(numbers, list) and all(type(n) is int and n >= 0 for n in numbers)
        check(whole, what, "lists of integers >= 0", numbers)
    count = 1
    for n in shape:
        count *= n
    fits = len(offsets) == 2 and offsets[1] - offsets[0] == count * dtype.itemsize
    check(fits, f"{what}: data_offsets", f"{count * dtype.itemsize} bytes apart", offsets)
    return name, offsets[0], offsets[1], dtype, shape


def encode(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> List[bytes]:
    """The parts of a file of float32 and int32 arrays, in the mapping's order."""
    header: Dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    at = 0
    parts = []
    for name, array in arrays.items():
        dtype = "I32" if array.dtype.kind == "i" else "F32"
        part = np.ascontiguousarray(array, DTYPES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, at + len(part)]}
        at += len(part)
        parts.append(part)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *parts]


def write_file(path: PathLike, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Writes a file whole or not at all: under another name first, which then takes the place of `path`."""
    path = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise LanegradError(f"{path}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            for part in encode(arrays, metadata):
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError):
            raise LanegradError(f"{path}: {error.strerror}") from None
        raise
