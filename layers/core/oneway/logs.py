"""One JSON line per thing that happened. Ids and counts only: patient data never reaches a log."""

import json
import os
import sys
from collections.abc import Mapping


def log(what: str, **facts: str | int | float | bool | Mapping[str, int]) -> None:
    """Write one line to the function's log."""
    line = {"message": what, "service": os.environ.get("POWERTOOLS_SERVICE_NAME", ""), **facts}
    print(json.dumps(line), file=sys.stderr, flush=True)


def fault(error: BaseException) -> str:
    """A fault's kind and place, `KeyError at sync_feed.py:42`. Never its text, which may quote what it choked on."""
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    place = f" at {last.tb_frame.f_code.co_filename.rpartition('/')[2]}:{last.tb_lineno}" if last else ""
    module = f" of {error.name}" if isinstance(error, ModuleNotFoundError) else ""
    return f"{type(error).__name__}{module}{place}"
