"""The smallest visible change of one photo that two matchers miss at once. `--quick`: seconds."""

import sys

import imagehash  # pip install "physadv[imagehash]"
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.core import Encoded, generator, quantise, ssim
from physadv.presets import world
from physadv.scene import StreetScene, sign
from physadv.testing import served
from physadv.victims import Prepare, Remote, Wire, load_victim

ROUNDS, MATCH = 25 if "--quick" in sys.argv else 160, 10  # bits of 64; fewer: the same picture
MODEL, rng, street = load_victim("bundled"), generator(0), world("lab", StreetScene(sign("stop")))


def hashed(image: Tensor) -> imagehash.ImageHash:
    """Return the perceptual hash of an image (3,H,W)."""
    return imagehash.phash(Image.fromarray((255 * image).round().byte().permute(1, 2, 0).numpy()))


def missed(ways: Tensor) -> Tensor:
    """Say of which ways (B,3,48,48) both matchers miss the photo: all that the search is told."""
    images = quantise((photo + ways).clamp(0, 1))
    far = torch.tensor([hashed(one) - hashed(photo[0]) >= MATCH for one in images])
    far[far.clone()] = remote(Encoded(images[far])).best != label if far.any() else False
    return far


def shrunk(way: Tensor) -> Tensor:
    """Return the shortest part of a way (1,3,48,48) that both miss, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (low, middle) if missed(middle * way) else (middle, high)
    return high * way


with served(MODEL) as url:  # it stands for your own classifier, which tells labels alone
    remote = Remote(url, MODEL.labels, Prepare(48), wire=Wire(answers="labels"), budget=5000)
    photo = quantise(street.photograph(None, street.draw(1, rng), (48, 48), hardly=True).pixels)
    label = int(remote(Encoded(photo)).best)
    way, step = shrunk(1 - 2 * photo), 0.5  # towards the negative, which both miss
    for _ in range(ROUNDS):  # along the boundary, in smooth steps of the colours, and a bit nearer
        noise = interpolate(torch.randn(12, 3, 8, 8, generator=rng), 48, mode="bicubic")
        near = way / way.norm() + step * noise / noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        near *= (1 - 0.04 * step) * way.norm() / near.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        good = near[missed(near)]
        step = min(1.0, 1.3 * step) if len(good) else max(0.03, 0.9 * step)
        way = good[:1] if len(good) else way
    cloaked = quantise((photo + shrunk(way)).clamp(0, 1))
    print(f"{MODEL.labels[label]} is read as {MODEL.labels[int(remote(Encoded(cloaked)).best)]}")
far, change = hashed(cloaked[0]) - hashed(photo[0]), float((cloaked - photo).norm())
print(f"hash distance {far}, {MATCH} or more is missed; {remote.queries} images sent")
print(f"SSIM {float(ssim(photo, cloaked)):.3f}, changed by {change:.2f} (norm 2)")
