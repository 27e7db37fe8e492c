"""The one kind of error that callers see, and the check that raises it."""

from typing import Any, Iterable, NoReturn


class LanegradError(Exception):
    """Says in one line which layer, argument or file is wrong, what was expected and what came."""


def fail(message: str) -> NoReturn:
    raise LanegradError(message)


def check(holds: bool, what: str, expected: str, got: Any) -> None:
    """Raises unless `holds`."""
    if not holds:
        fail(f"{what}: expected {expected}; got {shown(got)}")


def unknown(kind: str, name: Any, known: Iterable[str]) -> NoReturn:
    fail(f"unknown {kind} {shown(name)}; known: {', '.join(known)}")


def shown(value: Any) -> str:
    """A value in at most 80 characters of one line."""
    text = repr(value).replace("\n", " ")
    return text if len(text) <= 80 else text[:77] + "..."


def shape_text(shape: Iterable[Any]) -> str:
    return f"[{','.join('?' if n is None else str(n) for n in shape)}]"
