"""ObjectSeeker on photos of stop signs: reported, certified against hiding, added, and its cost.

python -m benchmarks.seeker DATA [--detector nanodet] [--lines 8] [--masked-score 0.6]
"""

from pathlib import Path
from time import process_time
from typing import Annotated

import torch
import typer

from benchmarks import show
from benchmarks.coco import detectors
from physadv.core import Encoded, Found, box_iou, clustered, generator
from physadv.defences import ObjectSeeker
from physadv.defences.patch.masked import patch_side
from physadv.evaluation import Boxed, read_boxed

SCORE, NMS_IOU = 0.5, 0.45


def main(
    data: Annotated[Path, typer.Argument(help="Folder with detectors/ and photos/.")],
    detector: Annotated[str, typer.Option(help="fastestdet or nanodet.")] = "fastestdet",
    lines: Annotated[int, typer.Option(help="Lines across, and as many down.")] = 8,
    masked_score: Annotated[float, typer.Option(help="For boxes of variants.")] = 0.6,
    shares: Annotated[str, typer.Option(help="Patches, as shares of the picture.")] = "0.01,0.04",
    seed: Annotated[int, typer.Option(help="Of the bootstrap over scenes.")] = 0,
) -> None:
    """Print a row for the detector alone and for the defended one; intervals are over scenes."""
    show.heading()
    victim, how = detectors(data / "detectors", detector), ObjectSeeker(lines, masked_score)
    stop = victim.label("stop sign")
    signs = read_boxed(data / "photos" / "boxes.csv", "stop", victim.size_px, group="scene")

    def told(hits: list[bool]) -> str:
        return str(clustered(torch.tensor(hits), signs.groups, generator(seed)))

    for name, made in ((victim.name, victim), ("with ObjectSeeker", how(victim))):
        begun, found = process_time(), []
        with torch.no_grad():
            for k in range(len(signs)):
                found += made(Encoded(signs.images[k : k + 1])).final(SCORE, NMS_IOU)
        spent = process_time() - begun
        seen, others = (list(one) for one in zip(*read(found, signs, stop), strict=True))
        more = f"stop signs elsewhere: {sum(others)}"
        show.console.print(
            f"{name}: reported {told(seen)}, {more}, {spent:.1f} CPU s", markup=False
        )
    labels = torch.tensor([stop])
    for share in (float(one) for one in shares.split(",")):
        side, everywhere, parts = patch_side(share, victim.size_px), [], []
        for k in range(len(signs)):
            image, box = Encoded(signs.images[k : k + 1]), signs.boxes[k : k + 1]
            places = how.certify(victim, image, box, labels, side).places
            everywhere.append(bool(places.all()))
            parts.append(float(places.float().mean()))
        mean = 100 * sum(parts) / len(parts)
        size = f"patch of {side}x{side} px, {100 * share:g} %"
        held = f"at all places {told(everywhere)}, at {mean:.1f} % of the places on average"
        show.console.print(f"{size}: certified {held}", markup=False, soft_wrap=True)


def read(found: list[Found], signs: Boxed, stop: int) -> list[tuple[bool, int]]:
    """Return for each photo whether a stop sign is reported that overlaps it, and how many do not.

    A sign that is beside the one in question, as some photos have, is elsewhere, too.
    """
    pairs = []
    for one, box in zip(found, signs.boxes, strict=True):
        near = box_iou(one.boxes[one.labels == stop], box[None])[:, 0] > 0
        pairs.append((bool(near.any()), int((~near).sum())))
    return pairs


if __name__ == "__main__":
    show.run(main)
