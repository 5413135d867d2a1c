"""A detector of your own: decode what it gives, and hide a sign from it with a printed patch.

python examples/07_a_detector.py [--quick]   (real ones on real photos: benchmarks/art_detector.py)
"""

import sys

import torch
from physadv_art import PlanePatch, detector_classifier
from torch import Tensor, nn

from physadv.core import Detections, generator
from physadv.objectives import vanish
from physadv.presets import world
from physadv.scene import StreetScene, sign
from physadv.victims import Detector, Prepare

STEPS, PHOTOS = (10, 4) if "--quick" in sys.argv else (60, 24)
SIDE, WINDOW, STRIDE = 96, 64, 8


class RedFinder(nn.Module):
    """Stands for your network: how much redder than anything else each window is, (B,1,h,w)."""

    def forward(self, images: Tensor) -> Tensor:
        """Return one log-odds a window."""
        mean = nn.functional.avg_pool2d(images, WINDOW, STRIDE)
        return 40 * (mean[:, :1] - mean[:, 1:].amax(dim=1, keepdim=True)) - 8


def decode(odds: Tensor) -> Detections:
    """Say what the output means: all candidates, boxes in pixels that the network was given."""
    rows, columns = odds.shape[2:]
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    corner = STRIDE * torch.stack([x, y], dim=-1).reshape(-1, 2)
    boxes = torch.cat([corner, corner + WINDOW], dim=1).to(odds).expand(len(odds), -1, -1)
    scores = odds.flatten(2).mT.sigmoid()
    return Detections(scores, boxes=boxes, valid=torch.ones_like(scores[..., 0], dtype=torch.bool))


detector = Detector(RedFinder(), ["stop sign"], Prepare(SIDE), decode, name="red finder")
estimator = detector_classifier(detector, "stop sign", score=0.5)
goal = vanish(detector.label("stop sign"), score=0.5)  # no box left with IoU 0.5 to the sign's

street = world("lab", StreetScene(sign("stop")))
given = street.draw(2 * PHOTOS, generator(0))
photo = street.photograph(None, given, (SIDE, SIDE), hardly=True)
x, fresh = photo.pixels.numpy()[:PHOTOS], photo.pixels.numpy()[PHOTOS:]
boxes, places = photo.box_px.numpy()[:PHOTOS], photo.box_px.numpy()[PHOTOS:]

patch = PlanePatch(estimator, on_plane=(0.12, 0.6, 0.88, 0.92), objective=goal, max_iter=STEPS)
patch.set_params(verbose=False, turn_deg=3.0, shift_ratio=0.03, gain_ev=0.2)
patch.generate(x, corners=boxes)  # patch.save(folder, width_mm=540) writes a sheet to print
print(f"hidden: {patch.result.success}, the bare sign: {patch.result.clean}")
for name, rate in patch.result.controls.items():  # this detector sees mean colours, no pattern
    print(f"  control {name}: {rate}")

found = estimator.detect(patch.apply_patch(fresh, place=places))
print(f"fresh photographs: nothing found in {sum(not len(one['boxes']) for one in found)}/{PHOTOS}")
