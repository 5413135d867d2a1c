"""The smallest visible change of one photo that two matchers miss at once. `--quick`: seconds.

One tells labels over HTTP, the other is a perceptual hash (pip install "physadv[imagehash]").
"""

import json
import sys
import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO

import imagehash
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.core import Encoded, generator, quantise, ssim
from physadv.presets import world
from physadv.scene import StreetScene, sign
from physadv.victims import Prepare, Remote, Wire, load_victim

ROUNDS, MATCH = 25 if "--quick" in sys.argv else 160, 10  # bits of 64; fewer: the same picture
MODEL, rng, street = load_victim("bundled"), generator(0), world("lab", StreetScene(sign("stop")))


class Service(BaseHTTPRequestHandler):
    """Stands for your own classifier: {"images": [PNG, …]} in, {"scores": [name, …]} out."""

    def do_POST(self) -> None:  # the name is http.server's
        """Answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        files = np.stack([np.asarray(Image.open(BytesIO(b64decode(k)))) for k in body["images"]])
        answer = MODEL(Encoded(torch.from_numpy(files).permute(0, 3, 1, 2) / 255))
        self.send_response_only(200)
        self.end_headers()
        self.wfile.write(json.dumps({"scores": [MODEL.labels[k] for k in answer.best]}).encode())


def hashed(image: Tensor) -> imagehash.ImageHash:
    """Return the perceptual hash of an image (3,H,W)."""
    return imagehash.phash(Image.fromarray((255 * image).round().byte().permute(1, 2, 0).numpy()))


def missed(images: Tensor) -> Tensor:
    """Say of which (B,) both matchers miss them: all that the search is told."""
    far = torch.tensor([hashed(one) - hashed(photo[0]) >= MATCH for one in images])
    far[far.clone()] = remote(Encoded(images[far])).best != label if far.any() else False
    return far


def moved(ways: Tensor, share: float = 1.0) -> Tensor:
    """Return the photo moved by a share of ways (B,3,48,48), in whole bytes."""
    return quantise((photo + share * ways).clamp(0, 1))


def shrunk(way: Tensor) -> Tensor:
    """Return the shortest part of a way (1,3,48,48) that both miss, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (low, middle) if missed(moved(way, middle)) else (middle, high)
    return high * way


server = HTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
url, wire = f"http://127.0.0.1:{server.server_port}/", Wire(answers="labels")
remote = Remote(url, MODEL.labels, Prepare(48), wire=wire, budget=5000)
photo = quantise(street.photograph(None, street.draw(1, rng), (48, 48), hardly=True).pixels)
label = int(remote(Encoded(photo)).best)
way, step = shrunk(1 - 2 * photo), 0.5  # towards the negative, which both miss
for _ in range(ROUNDS):  # along the boundary, in smooth steps of the colours, and a bit nearer
    noise = interpolate(torch.randn(12, 3, 8, 8, generator=rng), 48, mode="bicubic")
    near = way / way.norm() + step * noise / noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    near *= (1 - 0.04 * step) * way.norm() / near.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    good = near[missed(moved(near))]
    way, step = (good[:1], min(1.0, 1.3 * step)) if len(good) else (way, max(0.03, 0.9 * step))
cloaked = moved(shrunk(way))
distance, change = hashed(cloaked[0]) - hashed(photo[0]), float((cloaked - photo).norm())
print(f"{MODEL.labels[label]} is read as {MODEL.labels[int(remote(Encoded(cloaked)).best)]}")
print(f"hash distance {distance}, {MATCH} or more is missed; {remote.queries} images sent")
print(f"SSIM {float(ssim(photo, cloaked)):.3f}, changed by {change:.2f} (norm 2)")
server.shutdown()
