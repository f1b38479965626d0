"""python -m local.mailbox --smtp-port 2525 --http-port 8025"""

import argparse
import signal

from . import Mailbox

parser = argparse.ArgumentParser(description="Show what is sent to an SMTP port on this machine.")
parser.add_argument("--smtp-port", type=int, default=2525)
parser.add_argument("--http-port", type=int, default=8025)
chosen = parser.parse_args()
with Mailbox(chosen.smtp_port, chosen.http_port) as mailbox:
    print(f"mail to 127.0.0.1:{mailbox.smtp_port} is shown at {mailbox.url}")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
