"""AdvGAN on the bundled recogniser: perturbers trained on GTSRB's train part, judged on its test.

    python -m benchmarks.advgan ../shared/data/gtsrb [--eps 8 16] [--distil none static dynamic]

Success: signs that were read right and are misread after one pass and rounding to 8 bits.
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
from physadv.victims import load_victim

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
    parser.add_argument("--eps", type=float, nargs="+", default=[8, 16], help="of 255")
    parser.add_argument("--distil", nargs="+", default=["none", "static", "dynamic"])
    parser.add_argument("--train", type=int, default=2000, help="images to train on")
    parser.add_argument("--n", type=int, default=500, help="images to judge on")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--distil-steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=32)
    given = parser.parse_args()
    images, rows = some(given.data, "train", given.train)
    judged, truth = some(given.data, "test", given.n)
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
            )
            started = time.perf_counter()
            maker = attack.train(load_victim("bundled"), images, GOAL, rows=rows)
            rate, name = misread(attack.apply(maker, judged, truth), truth), NAMES[distil]
            seconds = time.perf_counter() - started
            print(f"| {name} | {eps:g}/255 | {rate} | {seconds:.0f} |", flush=True)
    for eps in given.eps:
        signs = torch.rand(judged.shape, generator=generator(1)).round() * 2 - 1
        noise = (judged + eps / 255 * signs).clamp(0, 1)
        print(f"| random signs | {eps:g}/255 | {misread(noise, truth)} | |", flush=True)


def some(folder: Path, part: str, n: int) -> tuple[Encoded, Rows]:
    """Return up to n images that the victim reads right, and what they are."""
    crops: SignCrops = read_crops(folder, part)
    order = torch.randperm(len(crops), generator=generator(0))[:n]
    victim, chosen = load_victim("bundled"), crops.rows(order)
    images = as_annotated(chosen, victim.size_px).clamp(0, 1)  # resizing may leave by a rounding
    with torch.no_grad():
        right = torch.cat([victim(Encoded(few)).best for few in images.split(64)])
    kept = right == chosen.classes
    return Encoded(images[kept]), Rows(labels=chosen.classes[kept])


def misread(images: Tensor, rows: Rows) -> Rate:
    """Return the share that the victim misreads once they are of 8 bits."""
    victim = load_victim("bundled")
    with torch.no_grad():
        parts = [victim(Encoded(part)).best for part in quantise(images).split(64)]
    assert rows.labels is not None  # `some` gives them
    wrong = torch.cat(parts) != rows.labels
    return wilson(int(wrong.sum()), len(wrong))


if __name__ == "__main__":
    main()
