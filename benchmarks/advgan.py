"""AdvGAN on a recogniser: perturbers trained on GTSRB's train part, judged on its test part.

    python -m benchmarks.advgan ../shared/data [--victim lisa] [--eps 8 16] [--distil none static]

Success: signs that were read right and are misread after one pass and rounding to 8 bits. LISA-CNN
is shown stop signs alone.
"""

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.pictures import known_victim, read, read_right
from physadv.attacks.digital import AdvGAN, Rows
from physadv.core import Rate, generator, quantise, wilson
from physadv.objectives import untargeted
from physadv.victims import Classifier

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
    victim = known_victim(given.data, given.victim)
    images, labels = read_right(victim, given.data, given.train, part="train")
    judged, truth = read_right(victim, given.data, given.n)
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
            maker = attack.train(victim, images, GOAL, rows=Rows(labels=labels))
            made, name = attack.apply(maker, judged), NAMES[distil]
            rate = misread(victim, made, truth)
            seconds = time.perf_counter() - started
            print(f"| {name} | {eps:g}/255 | {rate} | {seconds:.0f} |", flush=True)
    for eps in given.eps:
        signs = torch.rand(judged.shape, generator=generator(1)).round() * 2 - 1
        noise = (judged + eps / 255 * signs).clamp(0, 1)
        print(f"| random signs | {eps:g}/255 | {misread(victim, noise, truth)} | |", flush=True)


def misread(victim: Classifier, images: Tensor, labels: Tensor) -> Rate:
    """Return the share that the victim misreads once they are of 8 bits."""
    wrong = read(victim, quantise(images)) != labels
    return wilson(int(wrong.sum()), len(wrong))


if __name__ == "__main__":
    main()
