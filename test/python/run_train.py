"""What train.py says, of many calls in one go: `run_train.py LIST` with a JSON list of lists of arguments prints [code, out, err] of each.

PyTorch is imported once; every call has a process of its own, a fork, whose output is kept in files.
"""

import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import List, Tuple

sys.path.insert(0, str(Path(__file__).parents[2] / "python"))

import lanegrad_torch.loop  # noqa: E402, F401
import train  # noqa: E402


def ended(arguments: List[str]) -> Tuple[int, str, str]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                code = train.main(arguments)
            except SystemExit as end:
                code = int(end.code or 0)
            except BaseException:  # as Python ends a program
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
        return os.waitstatus_to_exitcode(status), texts[0], texts[1]


if __name__ == "__main__":
    print(json.dumps([ended(arguments) for arguments in json.loads(sys.argv[1])]))
