"""Shows how training goes: one line that is rewritten in terminals, a line for each epoch elsewhere."""

import shutil
import sys
import time
from typing import Mapping, TextIO

REDRAWS_PER_SECOND = 10
LEAST_BAR = 5


def shown_logs(logs: Mapping[str, float]) -> str:
    return " - ".join(f"{key}: {value:#.4g}" for key, value in logs.items())


class Progress:
    """What the first process prints. `epochs` counts all that are trained, those before a resumption as well."""

    def __init__(self, epochs: int, rows: int, stream: TextIO = sys.stdout) -> None:
        self.epochs = epochs
        self.rows = rows
        self.stream = stream
        self.is_live = stream.isatty()
        self.drawn = 0.0
        self.begin(0)

    def begin(self, epoch: int, done: int = 0) -> None:
        """`done`: rows of the epoch that were trained before."""
        self.title = f"epoch {epoch + 1}/{self.epochs}"
        self.started = time.monotonic()
        self.before = done

    def batch(self, done: int, loss: float) -> None:
        """`loss`: the mean of the epoch so far."""
        now = time.monotonic()
        if not self.is_live or now - self.drawn < 1 / REDRAWS_PER_SECOND:
            return
        self.drawn = now
        rate = (done - self.before) / max(now - self.started, 1e-3)
        left = (self.rows - done) / max(rate, 1e-3)
        text = f" {rate:.0f} rows/s  loss {loss:.4f}  {left:.0f} s left"
        columns = shutil.get_terminal_size().columns - 1
        size = columns - len(self.title) - 1 - len(text)
        line = f"{self.title}{text}"
        if size >= LEAST_BAR:
            full = round(size * done / self.rows)
            line = f"{self.title} {'█' * full}{'░' * (size - full)}{text}"
        self.stream.write(f"\r{line[:columns]}\x1b[K")
        self.stream.flush()

    def end(self, logs: Mapping[str, float]) -> None:
        seconds = time.monotonic() - self.started
        self.line(f"{self.title} - {seconds:.1f} s - {shown_logs(logs)}")

    def line(self, text: str) -> None:
        self.stream.write(f"\r\x1b[K{text}\n" if self.is_live else f"{text}\n")
        self.stream.flush()

    def close(self) -> None:
        """Leaves the terminal in order, whatever happened."""
        if self.is_live:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
