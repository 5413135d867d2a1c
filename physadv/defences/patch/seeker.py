"""ObjectSeeker: half of the image is hidden, line by line; what shows up then is reported, too.

Xiang, Valtchanov, Mahloujifar & Mittal, "ObjectSeeker: Certifiably Robust Object Detection against
Patch Hiding Attacks via Patch-agnostic Masking", IEEE Symposium on Security and Privacy 2023. For
each of k horizontal and k vertical lines all on one side of it is hidden, then all on the other.
A patch on one side of a line is gone in one of these variants, whatever its size and shape are.
Boxes that the variants have and the image has not are added. So a patch can add boxes as it could
before, and not hide an object that is found in a variant without the patch.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from physadv.attacks.digital.settings import setting
from physadv.core import Detections, Encoded, check
from physadv.core.check import at_least_one
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended
from physadv.defences.patch.masked import check_patch
from physadv.defences.patch.sought import Sought, covered_share
from physadv.victims import Victim


@dataclass(frozen=True, eq=False)
class HidingCertificate:
    """Where a patch may lie without hiding an object: `places` (B,H-h+1,W-w+1), its top left.

    `certified` (B,) where that is everywhere. It says that a box of the object's class is reported
    that overlaps it, not that no other is.
    """

    places: Tensor

    @property
    def certified(self) -> Tensor:
        """Whether no place of the patch hides the object, (B,)."""
        return self.places.flatten(1).all(dim=1)


@dataclass(frozen=True)
class ObjectSeeker:
    """Adds what a detector reports of masked variants; needs a detector.

    Raises `UserError` for a classifier. The answer holds the candidates of all variants, so that
    attacks reach them, and its `final` is what is reported (see `Sought`). Boxes count by class;
    the authors' code can do without, and cuts boxes at the image's edge.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("object-seeker", "smoothing", "Xiang et al. 2023")

    lines: int = setting(30, "lines across, and as many down; four variants each")
    masked_score: float = setting(0.7, "score above which boxes of variants count")
    covered: float = setting(0.6, "share of a box that explains it, inside one of its class")
    nms_iou: float = setting(0.45, "overlap above which boxes of a variant are suppressed")
    fill: float = setting(0.0, "value of hidden pixels")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        at_least_one(self, "lines")
        for name in ("masked_score", "nms_iou"):
            value = getattr(self, name)
            check(0 <= value < 1, name, expected="0 or more, below 1", got=value)
        good = 0 < self.covered <= 1
        check(good, "covered", expected="a share above 0, at most 1", got=self.covered)

    def __call__(self, victim: Victim) -> "SeekingDetector":
        """Return the detector with its variants."""
        return SeekingDetector(victim, self)

    def hidden(self, height: int, width: int) -> Tensor:
        """Return what is hidden of images (h,w), as boxes (n,4) x1y1x2y2 in whole pixels."""
        found = []
        for k, side in enumerate((height, width)):
            step = -(-side // (self.lines + 1))
            for line in range(step, side, step):
                before, after = [0, 0, width, height], [0, 0, width, height]
                before[3 - k], after[1 - k] = line, line
                found += [before, after]
        got = f"{height}x{width} px"
        check(bool(found), "images", expected="at least 2 px high or wide", got=got)
        return torch.tensor(found)

    def sought(self, victim: Victim, images: Encoded) -> tuple[Detections, Sought]:
        """Return the candidates of images (B,3,H,W) and of all variants, and how to report."""
        height, width = images.shape[2:]
        parts = [_dense(victim, images)]
        for x1, y1, x2, y2 in self.hidden(height, width).tolist():
            keep = torch.ones(1, 1, height, width, dtype=torch.bool, device=images.device)
            keep[:, :, y1:y2, x1:x2] = False
            parts.append(_dense(victim, Encoded(torch.where(keep, images, self.fill))))
        scores, boxes, valid = (
            torch.cat([getattr(one, name) for one in parts], dim=1)
            for name in ("scores", "boxes", "valid")
        )
        counts = tuple(one.scores.shape[1] for one in parts)
        report = Sought(counts, self.masked_score, self.covered, self.nms_iou)
        one_class = parts[0].one_class
        made = Detections(scores, boxes=boxes, valid=valid, one_class=one_class, report=report)
        return made, report

    @torch.no_grad()
    def certify(
        self,
        victim: Victim,
        images: Encoded,
        boxes: Tensor,
        labels: Tensor,
        patch_px: int | tuple[int, int],
        *,
        least: float = 0.0,
    ) -> HidingCertificate:
        """Return where patches, a side or (height, width), leave objects reported.

        One object an image: `boxes` (B,4) and classes (B,). Reported is a box of the class that
        has more than `least` of the object's area, whatever score and suppression `final` is asked
        for. Algorithm 2 of the paper: a box b of a variant without the patch is reported, or is
        covered by a share of `covered`; at the least (covered |b| - |b outside the object|) of the
        object is then inside a box. Raises `UserError` for a patch larger than the image.
        """
        patch = (patch_px, patch_px) if isinstance(patch_px, int) else patch_px
        size = (images.shape[2], images.shape[3])
        check_patch(patch, size)
        dense, report = self.sought(victim, images)
        places = torch.zeros(len(images), *(s - p + 1 for s, p in zip(size, patch, strict=True)))
        for k, (x1, y1, x2, y2) in enumerate(self.hidden(*size).tolist(), start=1):
            for row, found in enumerate(report.seen(dense, k)):
                mine = found.boxes[found.labels == labels[row].cpu()]
                if bool((sure_share(mine, boxes[row].cpu(), self.covered) > least).any()):
                    rows, columns = (slice(y1, y2 - patch[0] + 1), slice(x1, x2 - patch[1] + 1))
                    if rows.stop > rows.start and columns.stop > columns.start:
                        places[row, rows, columns] = 1
        return HidingCertificate(places.bool())


class SeekingDetector(Defended):
    """A detector that is asked about an image and its masked variants."""

    asks: ClassVar[Literal["classifier", "detector"]] = "detector"

    def __init__(self, victim: Victim, how: ObjectSeeker) -> None:
        """Put ObjectSeeker around a detector."""
        super().__init__(victim, f"ObjectSeeker, {how.lines} lines")
        self.how = how
        self.weights = repr(how)

    def __call__(self, images: Encoded) -> Detections:
        """Answer for (B,3,H,W) images in [0,1], boxes in their pixels."""
        self.calls += 1
        self.queries += len(images)
        return self.how.sought(self.undefended, images)[0]


def sure_share(boxes: Tensor, thing: Tensor, covered: float) -> Tensor:
    """Return the share of a thing (4,) that is surely found where boxes (n,4) are seen unmasked.

    The least that a box has of it which has a share of `covered` of one of these.
    """
    area, whole = ((one[..., 2:] - one[..., :2]).clamp_min(0).prod(-1) for one in (boxes, thing))
    outside = area * (1 - covered_share(boxes, thing[None])[:, 0])
    return (covered * area - outside) / whole.clamp_min(1e-12)


def _dense(victim: Victim, images: Encoded) -> Detections:
    answer = victim(images)
    assert isinstance(answer, Detections)
    return answer
