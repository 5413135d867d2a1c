"""A recogniser asked over HTTP: labels alone, a budget, answers kept. `--quick` takes seconds."""

import json
import sys
import threading
from base64 import b64decode
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO

import numpy as np
import torch
from art.attacks.evasion import HopSkipJump
from physadv_art import from_victim
from PIL import Image

from physadv.core import Encoded, generator
from physadv.judge import Told, judge_images
from physadv.objectives import untargeted
from physadv.presets import world
from physadv.scene import StreetScene, sign
from physadv.victims import Prepare, Remote, Wire, load_victim

ROUNDS, BUDGET = (1, 1000) if "--quick" in sys.argv else (8, 10000)
MODEL = load_victim("bundled")


class Service(BaseHTTPRequestHandler):
    """Stands for what you were asked to test: {"images": [PNG, …]} in, {"signs": [name, …]} out."""

    def do_POST(self) -> None:  # the name is http.server's
        """Answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        files = [np.array(Image.open(BytesIO(b64decode(one)))) for one in body["images"]]
        images = torch.from_numpy(np.stack(files)).permute(0, 3, 1, 2) / 255
        self.send_response_only(200)
        self.end_headers()
        names = [MODEL.labels[k] for k in MODEL(Encoded(images)).best]
        self.wfile.write(json.dumps({"signs": names}).encode())


server = HTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/"
wire = Wire(reply="signs", answers="labels")  # where in a reply the answers are, and what they are
ask = partial(Remote, address, MODEL.labels, Prepare(48), wire=wire, cache="example-answers")
remote = ask(budget=BUDGET)  # images that may be sent, in all; a BudgetError ends the attack
street = world("lab", StreetScene(sign("stop")))
x = street.photograph(None, street.draw(2, generator(0)), remote.size_px, hardly=True).pixels
read = remote(x).best
hop = HopSkipJump(from_victim(remote), max_iter=ROUNDS, max_eval=300, init_eval=20, verbose=False)
attacked = Encoded(torch.from_numpy(hop.generate(x.numpy())))
report = judge_images(remote, x, attacked, untargeted(), Told(read, read))
print(f"misread: {report.success}, changed by at most {report.change['2']:.2f} (norm 2)")
print(f"read as {report.answers}; {remote.queries} images sent")
again = ask(budget=0)  # what was answered once is not asked again, in this run or a later one
print(f"asked again: {again(attacked).best.tolist()}, {again.queries} images sent")
server.shutdown()
