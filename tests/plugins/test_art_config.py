"""Objectives in JSON configurations: what an attack on a detector is to bring about."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from physadv_art import PGD, DetectorClassifier, StickerPatch, build, detector_classifier

from physadv.core import Answer, Photo, UserError
from physadv.objectives import Objective, margin, untargeted, vanish
from physadv.victims import load_victim
from tests.plugins.cast import data, estimator
from tests.victims import cell_detector

SIZE = (32, 48)
BOX, COVER = (16, 8, 24, 16), [16, 8, 24, 13]
QUIET = {"verbose": False, "max_iter": 8}


def red() -> Any:
    """Return a picture with one red object in `BOX`."""
    images = np.full((1, 3, *SIZE), 0.3, dtype=np.float32)
    images[:, 0, 8:16, 16:24] = 0.8
    return images


def objective(name: str, **kwargs: Any) -> dict[str, Any]:
    return {"module": "physadv.objectives", "name": name, "kwargs": kwargs}


def sticker(goal: Any) -> dict[str, Any]:
    kwargs = {"place": COVER, "objective": goal, **QUIET}
    return {"module": "physadv_art.attacks", "name": "StickerPatch", "kwargs": kwargs}


def test_an_attack_on_a_detector_from_a_file_is_the_one_made_by_hand(tmp_path: Path) -> None:
    on, file = detector_classifier(cell_detector(SIZE), "red", score=0.6), tmp_path / "hide.json"
    file.write_text(json.dumps(sticker(objective("vanish", label="red", score=0.6))))
    made = build(file, on)
    by_hand = StickerPatch(on, place=COVER, objective=vanish(0, score=0.6), **QUIET)
    attacked = made.generate(red(), boxes=BOX)
    assert np.array_equal(attacked, by_hand.generate(red(), boxes=BOX))
    assert on.predict(red()).argmax() == 0
    assert made.result == by_hand.result


def test_objectives_of_classifiers_and_their_losses() -> None:
    """A targeted objective in place of y: every image is to be read as class 2."""
    on = estimator()
    x, _ = data(on)
    kwargs = {"eps": 0.3, **QUIET, "objective": objective("targeted", label=2, loss="margin")}
    attack = build({"module": "physadv_art", "name": "PGD", "kwargs": kwargs}, on)
    assert isinstance(attack, PGD)
    assert (on.predict(attack.generate(x)).argmax(axis=1) == 2).all()
    scores, labels = torch.tensor([[1.0, 3.0, 0.0]]), torch.tensor([1])
    photo = Photo(torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2), torch.zeros(1, 4), labels)  # type: ignore[arg-type]  # nobody looks at the pixels
    found = build(objective("untargeted", loss="margin"))
    assert isinstance(found, Objective)
    assert found.loss(Answer(scores), photo) == -margin(scores, labels) == 2
    assert untargeted().loss(Answer(scores), photo) == 2
    assert build(sticker(None), on).objective is None


def test_a_detector_by_its_spec(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    code = [
        "from tests.victims import cell_detector as one",
        "def make():",
        f"    return one({SIZE})",
    ]
    file.write_text("\n".join(code))
    config = {
        "module": "physadv_art",
        "name": "detector_classifier",
        "kwargs": {"detector": f"{file}:make", "label": "red", "clip_values": [0, 255]},
    }
    on = build(config)
    assert isinstance(on, DetectorClassifier)
    assert on.predict(255 * red()).argmax() == 0
    assert load_victim(f"{file}:make").labels == on.model.victim.labels
    with pytest.raises(UserError, match="detector_classifier detector: expected a physadv Detec"):
        build(config | {"kwargs": {"detector": "bundled"}})


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ("vanish", r"config objective: expected an objective of physadv.objectives, got 'vanish'"),
        ({"vanish": "red"}, 'config objective: .*; say {"module": "physadv.objectives", "name"'),
        (objective("vanished", label=0), "config name: expected one of .*did you mean 'vanish'"),
        (objective("smooth"), "config name: expected one of as_labelled, targeted, untargeted"),
        (objective("vanish", label="reed"), "label: expected one of .*did you mean 'red'"),
        (objective("vanish", label=0, score=2), "vanish score: expected a threshold between 0"),
        (objective("vanish", label=0, scores=2), "config kwargs: expected what vanish takes, got"),
        (objective("vanish"), "config kwargs: expected what vanish takes, got .*label"),
        (objective("targeted", label=0, loss="hinge"), "targeted loss: expected one of cross_en"),
        ({"module": "physadv.judge", "name": "judge"}, "config module: expected a module of phys"),
        (objective("vanish") | {"kwargs": [1]}, r"config kwargs: expected names and values, got"),
        (
            {"module": "physadv_art", "name": "JpegDefence", "kwargs": {"clip_values": [0, 1]}},
            "config objective: expected an objective of physadv.objectives, got",
        ),
    ],
)
def test_objectives_that_are_none(goal: Any, message: str) -> None:
    on = detector_classifier(cell_detector(SIZE), "red")
    with pytest.raises(UserError, match=message):
        build(sticker(goal), on)


def test_names_of_classes_are_known_of_detectors_only() -> None:
    message = "vanish label: expected the number of a class, got 'red'; a DetectorClassifier kn"
    with pytest.raises(UserError, match=message):
        build(sticker(objective("vanish", label="red")), estimator())
    with pytest.raises(UserError, match=message):
        build(objective("vanish", label="red"))
