"""What callers pass, as checked arrays in the network's order."""

from typing import Any, List, Mapping, Optional, Sequence

import numpy as np
import torch
from torch import Tensor

from .errors import check, fail, shape_text, shown


def split(what: str, data: Any, names: Sequence[str], structure: str) -> List[Any]:
    """The array of each name: of one array, a list in the names' order, or a dict by them."""
    if not names:
        return []  # no output has a loss
    if structure == "single" or (len(names) == 1 and hasattr(data, "shape")):
        return [data]
    if structure == "list":
        check(isinstance(data, (list, tuple)) and len(data) == len(names), what, f"a list of {len(names)} arrays", data)
        return list(data)
    check(isinstance(data, dict) and set(data) == set(names), what, f"a dict with {', '.join(names)}", data)
    return [data[name] for name in names]


def _trimmed(shape: Sequence[Optional[int]]) -> List[Optional[int]]:
    shape = list(shape)
    while shape and shape[-1] == 1:
        shape.pop()
    return shape


def _fits(shape: Sequence[int], expected: Sequence[Optional[int]]) -> bool:
    return len(shape) == len(expected) and all(e is None or n == e for n, e in zip(shape, expected))


def array_of(what: str, given: Any, dtype: str) -> np.ndarray:
    """An array of numbers as float32 or int32, which hold it exactly if it is of integers."""
    if isinstance(given, Tensor):
        given = given.detach().cpu().numpy()
    try:
        array = np.asarray(given)
    except ValueError:
        fail(f"{what}: expected an array; got {shown(given)}")
    check(array.dtype.kind in "fiub", what, "numbers", array.dtype)
    if dtype == "float32":
        return array.astype(np.float32, copy=False)
    if array.dtype.kind == "f":
        check(bool((np.trunc(array) == array).all()), what, "integers", "fractions")
    return array.astype(np.int32, copy=False)


def rows_of(what: str, given: Any, shape: Sequence[Optional[int]], dtype: str) -> np.ndarray:
    """The rows of an input or target; axes of size 1 at the end may be there or not."""
    array = array_of(what, given, dtype)
    own = list(array.shape[1:])
    fixed = None not in shape
    fits = array.ndim > 0 and len(array) > 0 and (_fits(own, shape) or (fixed and _trimmed(own) == _trimmed(shape)))
    check(fits, what, f"shape {shape_text(['batch', *shape])}", list(array.shape))
    if array.dtype.kind == "f":
        check(not bool(np.isnan(array).any()), what, "numbers", "NaN")
    return array.reshape(len(array), *shape) if fixed else array


def common_rows(arrays: Mapping[str, np.ndarray]) -> int:
    (first, array), *others = arrays.items()
    for what, other in others:
        if len(other) != len(array):
            fail(f"{first} has {len(array)} rows, {what} has {len(other)}")
    return len(array)


def tensor_of(array: np.ndarray, device: torch.device) -> Tensor:
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy()).to(device)
