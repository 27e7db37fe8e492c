"""The order of the rows in an epoch: lanegrad's own, so that `fit`'s batches are made here as well.

Random words come from Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
1, 2, 3", 2011). Key: low 32 bits of the seed | the rest of it. Counter: block | stream.
"""

from typing import Tuple

import numpy as np

SHUFFLE_STREAM = 0x5F5F5F5F
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
WORDS_AT_ONCE = 1 << 14  # what a biased draw makes new


def threefry(key: Tuple[int, int], first: int, count: int, stream: int) -> np.ndarray:
    """The two uint32 words of each of the blocks `first` to `first + count`, one after the other."""
    keys = [np.uint32(key[0]), np.uint32(key[1])]
    keys.append(np.uint32(0x1BD11BDA) ^ keys[0] ^ keys[1])
    with np.errstate(over="ignore"):
        x = np.arange(first, first + count, dtype=np.uint64).astype(np.uint32) + keys[0]
        y = np.full(count, (stream + int(keys[1])) & 0xFFFFFFFF, np.uint32)
        for group in range(1, 6):
            for rotation in ROTATIONS[(group + 1) % 2]:
                x += y
                y = x ^ ((y << np.uint32(rotation)) | (y >> np.uint32(32 - rotation)))
            x += keys[group % 3]
            y += keys[(group + 1) % 3] + np.uint32(group)
    return np.stack([x, y], 1).reshape(-1)


def permutation(count: int, seed: int, stream: int) -> np.ndarray:
    """The numbers 0 to count - 1 in random order (Fisher-Yates, unbiased draws)."""
    order = list(range(count))
    key = (seed & 0xFFFFFFFF, seed >> 32)
    i, block = count - 1, 0
    while i > 0:
        words = threefry(key, block, min(i // 2 + 1, WORDS_AT_ONCE // 2), stream).astype(np.int64)
        block += len(words) // 2
        at = 0
        while at < len(words) and i > 0:
            # all words, until one comes from the last, incomplete run of values, which would favour small numbers
            draws = words[at : at + i]
            sizes = np.arange(i + 1, i + 1 - len(draws), -1)
            places = draws % sizes
            biased = np.flatnonzero(draws - places > 0x100000000 - sizes)
            used = int(biased[0]) if len(biased) else len(draws)
            for j in places[:used].tolist():
                order[i], order[j] = order[j], order[i]
                i -= 1
            at += used + (1 if len(biased) else 0)
    return np.array(order, np.int64)


def epoch_order(rows: int, seed: int, epoch_count: int) -> np.ndarray:
    """The order in which `fit` takes the rows, after `epoch_count` epochs of training."""
    return permutation(rows, seed, (SHUFFLE_STREAM + epoch_count) & 0xFFFFFFFF)
