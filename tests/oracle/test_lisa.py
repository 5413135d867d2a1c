"""LISA-CNN through the public wrapper gives every number of ../shared/data/victims/README.md."""

import csv
from collections import Counter
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import cross_entropy

from physadv.core import Encoded, load_image
from physadv.victims import Classifier, load_victim
from tests.lisa import SPEED_LIMIT_45, STOP
from tests.shared_data import DATA, ROOT, needs_data

RP2 = DATA / "rp2"
YIELD = 17

pytestmark = needs_data


@pytest.fixture(scope="module")
def lisa() -> Classifier:
    found = load_victim(f"{ROOT / 'tests' / 'lisa.py'}:lisa")
    assert isinstance(found, Classifier)
    return found


@pytest.fixture(scope="module")
def signs() -> Tensor:
    return photos("victims_32")


def photos(folder: str) -> Tensor:
    files = sorted((RP2 / folder).glob("*.png"))
    assert len(files) == 40
    return torch.cat([load_image(file) for file in files])


def perturbation(epoch: str, mask: str) -> Tensor:
    noise = load_file(RP2 / "published" / "noise.safetensors")[epoch].clamp(-20, 20)
    return load_image(RP2 / "masks" / mask) * noise


def answers(lisa: Classifier, images: Tensor) -> tuple[Tensor, float]:
    """Return probabilities (B,18) and the mean cross-entropy against speedLimit45."""
    with torch.no_grad():
        scores = lisa(Encoded(images)).scores
    wanted = torch.full((len(images),), SPEED_LIMIT_45)
    return scores.softmax(dim=1), float(cross_entropy(scores, wanted))


def counts(probabilities: Tensor) -> dict[int, int]:
    return dict(Counter(probabilities.argmax(dim=1).tolist()))


def test_the_weights_are_the_published_ones(lisa: Classifier) -> None:
    assert sum(parameter.numel() for parameter in lisa.module.parameters()) == 726_354
    assert (lisa.label("stop"), lisa.label("speedLimit45")) == (STOP, SPEED_LIMIT_45)


def test_clean_signs_are_read(lisa: Classifier, signs: Tensor) -> None:
    probabilities, loss = answers(lisa, signs)
    assert counts(probabilities) == {STOP: 40}
    assert float(probabilities[:, STOP].mean()) == pytest.approx(0.8145, abs=5e-5)
    assert float(probabilities[:, STOP].min()) == pytest.approx(0.316, abs=5e-4)
    assert loss == pytest.approx(5.70886, abs=1e-5)  # and the authors' log: 5.70886


def test_the_published_rectangles(lisa: Classifier, signs: Tensor) -> None:
    noise = perturbation("rectangles_epoch_350", "lisa_rectangles_32.png")
    probabilities, loss = answers(lisa, (signs + noise).clamp(0, 1))
    norm = 0.02 * float(noise.norm())
    assert counts(probabilities) == {SPEED_LIMIT_45: 36, STOP: 4}
    assert loss == pytest.approx(0.63278, abs=1e-5)
    assert norm == pytest.approx(0.15758, abs=1e-5)
    assert loss + norm == pytest.approx(0.79035, abs=1e-5)
    assert loss + norm == pytest.approx(0.79037, abs=5e-5)  # the authors' log


def test_the_published_octagon(lisa: Classifier, signs: Tensor) -> None:
    noise = perturbation("octagon_epoch_299", "lisa_octagon_32.png")
    probabilities, loss = answers(lisa, (signs + noise).clamp(0, 1))
    norm = 0.02 * float(noise.norm())
    assert counts(probabilities) == {SPEED_LIMIT_45: 40}
    assert loss == pytest.approx(0.01963, abs=1e-5)
    assert norm == pytest.approx(0.10503, abs=1e-5)
    assert loss + norm == pytest.approx(0.12466, abs=1e-5)  # and the authors' log: 0.12466


@pytest.mark.parametrize(
    ("file", "label", "probability"),
    [
        ("published/rectangles_epoch_350.png", SPEED_LIMIT_45, 0.565),
        ("published/rectangles_epoch_350.png", STOP, 0.257),
        ("published/octagon_epoch_299.png", SPEED_LIMIT_45, 0.993),
        ("published/rectangles_epoch_000.png", STOP, 0.787),
        ("misc/uw17-square.jpg", STOP, 0.958),
        ("misc/uw17-octagon-noise-npadd.png", SPEED_LIMIT_45, 0.978),
    ],
)
def test_single_pictures(lisa: Classifier, file: str, label: int, probability: float) -> None:
    probabilities, _ = answers(lisa, load_image(RP2 / file))
    assert float(probabilities[0, label]) == pytest.approx(probability, abs=5e-4)


def test_the_larger_photos_are_resized(lisa: Classifier) -> None:
    probabilities, _ = answers(lisa, photos("victims_256"))
    assert counts(probabilities) == {STOP: 39, lisa.label("speedLimit35"): 1}


@pytest.mark.parametrize(
    ("gtsrb_class", "cropped", "read_as", "right", "total"),
    [
        (14, True, STOP, 133, 135),
        (14, False, STOP, 105, 135),
        (13, True, YIELD, 165, 167),
        (17, True, STOP, 79, 83),
    ],
)
def test_german_signs(
    lisa: Classifier, gtsrb_class: int, cropped: bool, read_as: int, right: int, total: int
) -> None:
    images = german_signs(gtsrb_class, cropped)
    best = [int(lisa(image).best) for image in images]
    assert (best.count(read_as), len(best)) == (right, total)


def german_signs(gtsrb_class: int, cropped: bool) -> list[Encoded]:
    with Path(DATA / "gtsrb" / "test.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if int(row["class_id"]) == gtsrb_class]
    images = []
    for row in rows:
        image = load_image(DATA / "gtsrb" / row["file"])
        if cropped:
            x1, y1, x2, y2 = (int(row[f"roi_{edge}"]) for edge in ("x1", "y1", "x2", "y2"))
            image = Encoded(image[:, :, y1:y2, x1:x2])
        images.append(image)
    return images
