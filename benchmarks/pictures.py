"""Images of signs that a victim reads correctly, for what attacks them."""

from pathlib import Path

import torch
from torch import Tensor

from benchmarks import show
from benchmarks.rp2 import signs
from physadv.core import Encoded, generator, wilson
from physadv.training import as_annotated, read_crops
from physadv.victims import Classifier, load_victim
from tests.lisa import STOP, lisa

GTSRB_CLASSES = 43
STOP_SIGN = 14


def known_victim(data: Path, name: str) -> Classifier:
    """Return a classifier: lisa, or any that `load_victim` takes."""
    victim = lisa(data) if name == "lisa" else load_victim(name)
    assert isinstance(victim, Classifier)
    return victim


def read_right(
    victim: Classifier, data: Path, n: int, *, part: str = "test", seed: int = 0
) -> tuple[Encoded, Tensor]:
    """Return those of n images of a part of GTSRB that a victim reads correctly, with labels.

    Of a victim with other classes than GTSRB's (LISA-CNN) the stop signs alone, and in the test
    part beside them the 40 of RP2.
    """
    crops = read_crops(data / "gtsrb", part)
    if len(victim.labels) == GTSRB_CLASSES:
        crops = crops.rows(torch.randperm(len(crops), generator=generator(seed))[:n])
        images, labels = as_annotated(crops, victim.size_px), crops.classes
    else:
        images = as_annotated(crops.rows(crops.classes == STOP_SIGN), victim.size_px)
        if part == "test":
            images = Encoded(torch.cat([images, signs(data).images]))
        images = Encoded(images[torch.randperm(len(images), generator=generator(seed))[:n]])
        labels = torch.full((len(images),), STOP)
    images = Encoded(images.clamp(0, 1))  # resizing rounds to a little more than 1
    right = read(victim, images) == labels
    told = wilson(int(right.sum()), len(right))
    show.console.print(f"{victim.name}, {part}: {told} read correctly")
    return Encoded(images[right]), labels[right]


def read(victim: Classifier, images: Tensor) -> Tensor:
    """Return the classes (B,) that a victim reads."""
    with torch.no_grad():
        return torch.cat([victim(Encoded(part)).best for part in images.split(64)])
