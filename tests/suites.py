"""A toy benchmark: a linear victim of two classes, whose robustness is known in closed form."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from physadv.core import Encoded, generator, quantise, save_image
from physadv.victims import Classifier
from tests.victims import LinearNetwork

LABELS = ("red", "green")
N = 12
VICTIM = """
from tests.suites import linear

def toy():
    return linear()
"""
DEFENCES = """
import os, signal
from physadv.defences import BitDepth, Defended

def coarse():
    return BitDepth(3)

def crashing():
    def change(images, rng):
        raise ZeroDivisionError("no such luck")
    return lambda victim: Defended(victim, "crashing", change=change)

def killing():
    def change(images, rng):
        os.kill(os.getpid(), signal.SIGKILL)
    return lambda victim: Defended(victim, "killing", change=change)
"""


def linear() -> Classifier:
    """Return a victim of images of 6x6, whose scores are linear, and nothing on grey ones."""
    weight = torch.randn(2, 3, 6, 6, generator=generator(1))
    weight -= weight.mean(dim=(1, 2, 3), keepdim=True)
    return Classifier(LinearNetwork(weight, torch.zeros(2)), LABELS, size_px=6, name="toy")


def toy_images() -> Encoded:
    """Return images between 0.3 and 0.7, of 8 bits."""
    images = 0.3 + 0.4 * torch.rand(N, 3, 6, 6, generator=generator(2))
    return Encoded(quantise(images))


def margins(victim: Classifier, images: Tensor) -> tuple[Tensor, Tensor, float]:
    """Return labels, the lead of their scores, and the most that a change of 1 in Linf takes."""
    with torch.no_grad():
        scores = victim(Encoded(images)).scores
    network: Any = victim.module
    weight = network.weight.detach()
    lead = (scores[:, 0] - scores[:, 1]).abs()
    return scores.argmax(dim=1), lead, float((weight[0] - weight[1]).abs().sum())


def write_toys(folder: Path) -> dict[str, Any]:
    """Write images, table, victim and defences to a folder; return a suite of them."""
    images, victim = toy_images(), linear()
    labels = victim(images).best.tolist()
    for number in range(N):
        save_image(folder / f"{number}.png", Encoded(images[number : number + 1]))
    rows = [f"{number}.png,{LABELS[label]}" for number, label in enumerate(labels)]
    (folder / "table.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    (folder / "toy.py").write_text(VICTIM)
    (folder / "own.py").write_text(DEFENCES)
    return {
        "averaged": 2,
        "images": {"path": str(folder / "table.csv"), "n": 8, "fitted": 4},
        "victims": {"toy": {"spec": f"{folder / 'toy.py'}:toy"}},
        "defences": {"none": {}, "bits": {"name": "bit-depth", "set": {"bits": 3}}},
        "attacks": {
            "step": {"name": "fast_gradient", "eps": ["1/255", "4/255"]},
            "pgd": {"eps": ["3/255"], "set": {"steps": 3}, "static": True},
        },
    }
