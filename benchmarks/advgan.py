"""AdvGAN on a recogniser: perturbers trained on GTSRB's train part, judged on its test part.

    python -m benchmarks.advgan ../shared/data [--victim lisa] [--eps 8 16] [--distil none static]

Success: signs that were read right and are misread after one pass and rounding to 8 bits. LISA-CNN
is shown GTSRB's stop signs alone.
"""

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor

from physadv.attacks.digital import AdvGAN, Rows
from physadv.core import Encoded, Rate, generator, quantise, wilson
from physadv.objectives import untargeted
from physadv.training import SignCrops, as_annotated, read_crops
from physadv.victims import Classifier
from physadv.victims.bundled import bundled
from tests.lisa import STOP, lisa

GTSRB_CLASSES, STOP_SIGN = 43, 14
GOAL = untargeted(confidence=0.0)
"""Carlini and Wagner's margin with confidence 0, as in the paper."""


NAMES = {
    "none": "white box",
    "static": "black box, static distillation",
    "dynamic": "black box, dynamic distillation",
}


def main() -> None:
    """Print a row for each setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--victim", choices=("bundled", "lisa"), default="bundled")
    parser.add_argument("--eps", type=float, nargs="+", default=[8, 16], help="of 255")
    parser.add_argument("--distil", nargs="+", default=["none", "static", "dynamic"])
    parser.add_argument("--train", type=int, default=2000, help="images to train on")
    parser.add_argument("--n", type=int, default=500, help="images to judge on")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--distil-steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--gan-weight", type=float, default=1.0)
    parser.add_argument("--hinge", type=float, help="free norm 2; half of the most by default")
    given = parser.parse_args()
    victim = lisa(given.data) if given.victim == "lisa" else bundled()
    images, rows = some(victim, given.data, "train", given.train)
    judged, truth = some(victim, given.data, "test", given.n)
    print(f"trained on {len(images)} images, {given.steps} steps of {given.batch}")
    print("| attack | eps | success | seconds |\n|---|---|---|---|", flush=True)
    for distil in given.distil:
        for eps in given.eps:
            attack = AdvGAN(
                eps=eps / 255,
                steps=given.steps,
                batch=given.batch,
                distil=distil,
                distil_steps=given.distil_steps,
                gan_weight=given.gan_weight,
                hinge=given.hinge,
            )
            started = time.perf_counter()
            maker = attack.train(victim, images, GOAL, rows=rows)
            made, name = attack.apply(maker, judged, truth), NAMES[distil]
            rate = misread(victim, made, truth)
            seconds = time.perf_counter() - started
            print(f"| {name} | {eps:g}/255 | {rate} | {seconds:.0f} |", flush=True)
    for eps in given.eps:
        signs = torch.rand(judged.shape, generator=generator(1)).round() * 2 - 1
        noise = (judged + eps / 255 * signs).clamp(0, 1)
        print(f"| random signs | {eps:g}/255 | {misread(victim, noise, truth)} | |", flush=True)


def some(victim: Classifier, data: Path, part: str, n: int) -> tuple[Encoded, Rows]:
    """Return up to n images of GTSRB that a victim reads right, and what they are.

    Of a victim with other classes than GTSRB's (LISA-CNN) the stop signs alone.
    """
    crops: SignCrops = read_crops(data / "gtsrb", part)
    stops = len(victim.labels) != GTSRB_CLASSES
    if stops:
        crops = crops.rows(crops.classes == STOP_SIGN)
    chosen = crops.rows(torch.randperm(len(crops), generator=generator(0))[:n])
    labels = torch.full((len(chosen),), STOP) if stops else chosen.classes
    images = as_annotated(chosen, victim.size_px).clamp(0, 1)  # resizing may leave by a rounding
    kept = read(victim, images) == labels
    return Encoded(images[kept]), Rows(labels=labels[kept])


def misread(victim: Classifier, images: Tensor, rows: Rows) -> Rate:
    """Return the share that the victim misreads once they are of 8 bits."""
    assert rows.labels is not None  # `some` gives them
    wrong = read(victim, quantise(images)) != rows.labels
    return wilson(int(wrong.sum()), len(wrong))


def read(victim: Classifier, images: Tensor) -> Tensor:
    """Return the classes (B,) that a victim reads."""
    with torch.no_grad():
        return torch.cat([victim(Encoded(part)).best for part in images.split(64)])


if __name__ == "__main__":
    main()
