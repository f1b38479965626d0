"""A server that answers in bytes of the test's own: cut, endless, or a drop at a time."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Say = Callable[["Connection"], None]


@dataclass
class Connection:
    """One connection whose request was read; `sent` counts the bytes that went out."""

    stream: socket.socket
    ended: threading.Event
    sent: int = 0

    def send(self, data: bytes) -> bool:
        """Whether the other side still listens."""
        try:
            self.stream.sendall(data)
        except OSError:
            return False
        self.sent += len(data)
        return True


@dataclass
class RawServer:
    """Says the same to whoever connects."""

    say: Say
    connections: list[Connection] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while not self.ended.is_set():
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            with stream:
                stream.recv(65536)
                connection = Connection(stream, self.ended)
                self.connections.append(connection)
                self.say(connection)


@contextmanager
def saying(say: Say) -> Iterator[RawServer]:
    """A raw server, until the end of the block."""
    server = RawServer(say)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(5)
