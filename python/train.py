#!/usr/bin/env python3
"""Trains a model that lanegrad saved, over as many processes as there are, and writes it back.

    python3 train.py model.safetensors --data DIR --epochs 3 -o out.safetensors
    python3 train.py model.safetensors --data DIR --epochs 3 -o out.safetensors --processes 2
    torchrun --nproc-per-node 8 train.py model.safetensors --data DIR --epochs 3 -o out.safetensors
"""

import argparse
import os
import sys
from typing import List, NoReturn, Optional


def tell(message: str) -> None:
    print(f"train.py: {' '.join(message.split())}", file=sys.stderr, flush=True)


class Parser(argparse.ArgumentParser):
    """Ends in one line where an argument is wrong."""

    def error(self, message: str) -> NoReturn:
        tell(f"{message} (train.py --help tells more)")
        sys.exit(1)


def make_parser() -> Parser:
    parser = Parser(prog="train.py", description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("model", help="a model that lanegrad saved, compiled: model.safetensors")
    add("--data", metavar="DIR", required=True, help="x.npy and y.npy, IDX files, or a .safetensors with x and y")
    add("-o", "--output", metavar="FILE", required=True, help="where the trained model goes")
    add("--epochs", type=int, default=1, metavar="N", help="passes over the data (default: 1)")
    add("--batch-size", type=int, default=32, metavar="N", help="rows of a step, of all processes (default: 32)")
    add("--validation", metavar="DIR", help="data to evaluate after each epoch; of IDX files those named t10k")
    add("--validation-split", type=float, default=0.0, metavar="SHARE", help="the last rows, to evaluate")
    add("--no-shuffle", dest="shuffle", action="store_false", help="take the rows in their order")
    add("--divide", type=float, default=1.0, metavar="NUMBER", help="divides x: 255 for bytes of pictures (default: 1)")
    add("--processes", type=int, default=1, metavar="N", help="processes to start on this machine (default: 1)")
    add("--device", metavar="NAME", help="cpu, cuda or cuda:N (default: GPUs, where there are some)")
    add("--fsdp", action="store_true", help="cut weights, gradients and optimizer over the processes")
    add("--checkpoint", metavar="DIR", help="where to keep how far it is; the same command again goes on from there")
    add("--checkpoint-steps", type=int, default=1000, metavar="N", help="steps between two checkpoints (default: 1000)")
    add("--history", metavar="FILE", help="where to write the losses of the epochs, as JSON")
    add("--quiet", action="store_true", help="print nothing but errors")
    return parser


def main(arguments: Optional[List[str]] = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    options = vars(make_parser().parse_args(given))
    processes = options.pop("processes")
    is_rank = "RANK" in os.environ
    try:
        import numpy  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        tell(f"{error.name} is missing: pip install torch numpy (or Debian's python3-torch)")
        return 1
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from lanegrad_torch.errors import LanegradError
    from lanegrad_torch.loop import train_loop
    from lanegrad_torch.processes import LOST, RENDEZVOUS, launch

    is_first = os.environ.get("RANK", "0") == "0"
    try:
        if processes < 1:
            raise LanegradError(f"--processes: expected 1 or more; got {processes}")
        if processes > 1 and not is_rank:
            return launch(os.path.abspath(__file__), given, processes)
        train_loop(options)
    except LanegradError as error:
        if is_first:
            tell(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        # what the others were waiting for has gone: torchrun or `launch` end them all
        if is_rank and "onnection" in str(error):
            if is_first and RENDEZVOUS not in os.environ:
                tell("another process was lost: the same command again goes on from --checkpoint")
            return LOST
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
