"""One JSON line per thing that happened. Ids and counts only: patient data never reaches a log."""

import json
import os
import sys


def log(what: str, **facts: str | int | float | bool) -> None:
    """Write one line to the function's log."""
    line = {"message": what, "service": os.environ.get("POWERTOOLS_SERVICE_NAME", ""), **facts}
    print(json.dumps(line), file=sys.stderr, flush=True)
