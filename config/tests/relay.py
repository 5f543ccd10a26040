"""A socket before a real server, which can fall silent or go away."""

import contextlib
import select
import socket
import threading
from pathlib import Path


class Relay:
    """Pass on what is said between clients of `front` and the server at `back`."""

    def __init__(self, front: Path, back: Path) -> None:
        self.front, self.back = front, back
        self.speaks = threading.Event()
        self.speaks.set()
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.listener: socket.socket | None = None
        self.open()

    def open(self) -> None:
        """Take connections, as a server that is back."""
        self.front.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.front))
        self.listener.listen(200)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Refuse connections and end those there are, as a server that is stopped."""
        listener, self.listener = self.listener, None
        self.front.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for end in (end for pair in self.pairs for end in pair):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.pairs.clear()

    def fall_silent(self) -> None:
        """Pass nothing on, as a server that hangs."""
        self.speaks.clear()

    def speak_again(self) -> None:
        self.speaks.set()

    def _accept(self) -> None:
        listener = self.listener
        while True:
            try:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.back))
            except OSError:
                return
            self.pairs.append((client, server))
            threading.Thread(
                target=self._pass, args=(client, server), daemon=True
            ).start()

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with client, server, contextlib.suppress(OSError, ValueError):
            while True:
                for end in select.select([client, server], [], [])[0]:
                    said = end.recv(65536)
                    self.speaks.wait()
                    if not said:
                        return
                    other[end].sendall(said)
