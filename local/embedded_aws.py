"""Start the embedded AWS so that functions run on the interpreter given first, not on its own.

It starts a function's worker on `sys.executable`. Its own packages would leak into the functions there and hide a missing
dependency; a bare interpreter with boto3 is what Lambda has. Runs in .local/aws; started by `local.aws`.
"""

import sys

sys.executable, sys.argv = sys.argv[1], ["ministack"]

from ministack.app import main  # noqa: E402

main()
