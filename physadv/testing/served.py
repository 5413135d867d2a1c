"""A classifier behind an address on your own machine, in place of one that is asked over HTTP."""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from threading import Thread

import numpy as np
import torch
from PIL import Image

from physadv.core import Encoded
from physadv.victims import Victim


@contextmanager
def served(victim: Victim, *, reply: str = "scores") -> Iterator[str]:
    """Yield the address at which a victim tells the names of what it reads, while this is open.

    What `Wire(reply=reply, answers="labels")` asks: a body {"images": [base64 of a PNG, …]}, all of
    one size, and {reply: [name, …]} in return.
    """

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is http.server's
            """Answer."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            files = [np.array(Image.open(BytesIO(b64decode(one)))) for one in body["images"]]
            images = torch.from_numpy(np.stack(files)).permute(0, 3, 1, 2) / 255
            names = [victim.labels[k] for k in victim(Encoded(images)).best]
            self.send_response_only(200)
            self.end_headers()
            self.wfile.write(json.dumps({reply: names}).encode())

    with HTTPServer(("127.0.0.1", 0), Service) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
