"""A real HTTP server in a thread that classifies by mean colour, with faults to inject."""

import base64
import io
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LABELS = ("red", "green", "blue")
Images = list[NDArray[np.float64]]
"""Images (H,W,3) in [0,1]."""


@dataclass
class Server:
    """What the server does with its next requests, and what it saw of them.

    `faults` are used up one a request: a number is an HTTP status, "hang" says nothing for long,
    "trickle" sends a byte now and then, "drop" closes the line, "half" sends less than promised,
    and other texts are sent as the reply. After `last` requests it is gone: lines are refused.
    """

    url: str
    faults: list[int | str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    answers: str = "scores"
    times: list[float] = field(default_factory=list)
    images: int = 0
    kinds: list[str] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)
    last: int | None = None
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(
    certificate: Path | None = None, *, port: int = 0, last: int | None = None
) -> Iterator[Server]:
    """Run the server, over TLS where there is a certificate with its key (PEM)."""
    httpd = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        scheme = "https"
    httpd.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients hang up on purpose
    server = Server(f"{scheme}://127.0.0.1:{httpd.server_address[1]}/classify", last=last)
    httpd.state = server  # type: ignore[attr-defined]  # what the handler reads
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    """Answers POST requests as the server's state says."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:  # the name is http.server's
        state: Server = self.server.state  # type: ignore[attr-defined]  # set by `serving`
        state.times.append(time.monotonic())
        state.seen.append(dict(self.headers))
        state.kinds.append(self.headers["Content-Type"].split(";")[0])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(state.times) == state.last:
            self.server.socket.close()  # type: ignore[attr-defined]  # it is a TCP server
        fault = state.faults.pop(0) if state.faults else 200
        images = decoded(self.headers["Content-Type"], body)
        state.images += len(images)
        scores = answered(images, state.answers)
        reply = json.dumps({"scores": scores, "result": {"scores": scores}}).encode()
        self._send(fault, reply, state)

    def _send(self, fault: int | str, reply: bytes, state: Server) -> None:
        if fault == "hang":
            state.over.wait(5)
        elif fault == "drop":
            self.close_connection = True
        elif fault == "trickle":
            self._start(200, state, len(reply))
            for k in range(len(reply)):
                self.wfile.write(reply[k : k + 1])
                self.wfile.flush()
                if state.over.wait(0.05):
                    return
        elif fault == "half":
            self._start(200, state, len(reply) + 10)
            self.wfile.write(reply)
        elif isinstance(fault, int):
            self._start(fault, state, len(reply))
            self.wfile.write(reply)
        else:
            self._start(200, state, len(fault))
            self.wfile.write(fault.encode())

    def _start(self, status: int, state: Server, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in state.headers.items():
            self.send_header(name, value)
        self.end_headers()


def decoded(kind: str, body: bytes) -> Images:
    """Read the images of a request, by means of the standard library and Pillow."""
    if kind.startswith("multipart/"):
        message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        parts: Any = message.get_payload()
        return [opened(part.get_payload(decode=True)) for part in parts]
    entries = json.loads(body)["images"]
    if entries and isinstance(entries[0], str):
        return [opened(base64.b64decode(entry)) for entry in entries]
    return [np.array(entry).transpose(1, 2, 0) for entry in entries]


def opened(content: bytes) -> NDArray[np.float64]:
    image = Image.open(io.BytesIO(content))
    assert (image.format, image.mode) == ("PNG", "RGB")
    return np.asarray(image) / 255


def answered(images: Images, answers: str) -> list[Any]:
    """Return the mean colours as scores, as probabilities, or the name of the strongest."""
    means = [image.mean(axis=(0, 1)) for image in images]
    if answers == "probabilities":
        return [(np.exp(mean) / np.exp(mean).sum()).tolist() for mean in means]
    if answers == "labels":
        return [LABELS[int(mean.argmax())] for mean in means]
    return [mean.tolist() for mean in means]
