"""What a pull that finds nothing new takes of a processor: the product's engine, source and table adapter, against a server
in a process of its own that says "unchanged" and stands in for the table. Without TLS.
"""

import json
import os
from base64 import b64encode
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from time import process_time
from typing import Any

import urllib3
from msgspec.structs import replace
from oneway.domain.comparing import feed_digest
from oneway.domain.feeds import Seen
from oneway.sources.opening import OpenSource
from oneway.store import keys
from oneway.store.feeds import DynamoFeedRepository
from oneway.store.items import bind, item
from oneway.use_cases.pull import MAPPING_VERSION
from oneway.use_cases.sync_feed import Outcome

from tests.builders import NOW, a_feed
from tests.fakes.store import FakeClock
from tests.world import World


def seconds_an_asking(pulls: int = 300) -> tuple[float, float]:
    """Processor seconds of a pull, over a connection that is kept and over a new one each time."""
    context = get_context("spawn")
    ports: SimpleQueue[int] = context.SimpleQueue()
    seen = Seen('"v"', "digest", NOW.date())
    state = a_feed(seen=seen, seen_back=seen, looked_back_at=NOW, last_good_at=NOW, version=3)
    state = replace(state, settings=replace(state.settings, beats=False))
    with ExitStack() as ending:
        server = context.Process(target=_serve, args=(ports,), daemon=True)
        server.start()
        ending.callback(server.terminate)
        url = f"http://127.0.0.1:{ports.get()}"
        settings = replace(state.settings, address=f"{url}/fhir")
        state = replace(state, settings=settings, mapping=feed_digest((), repr(settings), MAPPING_VERSION))
        stored = item(keys.feed("harbor", "ehr~osei"), state, 3)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ.setdefault(name, "test")
        bind("table", host=url)
        urllib3.request("PUT", url, body=json.dumps({"Item": _as_dynamo(stored)}))
        clock = FakeClock(NOW)
        source = OpenSource(lambda *_: '{"token": "t"}', clock, allow_loopback=True)
        sync = replace(World().sync_feed, feeds=DynamoFeedRepository(), open_source=source, clock=clock)
        taken = []
        for leave in (False, True):
            for count in (5, pulls):
                began = process_time()
                for _ in range(count):
                    if sync("harbor", "ehr~osei").outcome is not Outcome.UNCHANGED:
                        raise AssertionError("it was to find nothing new")
                    if leave:
                        sync.leave("lane", NOW)
            taken.append((process_time() - began) / pulls)
        return taken[0], taken[1]


def _as_dynamo(stored: Any) -> dict[str, dict[str, str]]:
    return {
        "pk": {"S": stored.pk},
        "sk": {"S": stored.sk},
        "v": {"N": "3"},
        "schema": {"N": "1"},
        "body": {"B": b64encode(stored.body).decode()},
    }


def _serve(ports: "SimpleQueue[int]") -> None:
    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        stored = b"{}"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(304 if self.headers["If-None-Match"] == '"v"' else 400)
            self.send_header("ETag", '"v"')
            self.end_headers()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(Answers.stored)))
            self.end_headers()
            self.wfile.write(Answers.stored)

        def do_PUT(self) -> None:
            Answers.stored = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    ports.put(server.server_port)
    server.serve_forever()
