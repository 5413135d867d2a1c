"""The bundled recogniser is as good as its card says, recomputed on a sample."""

from importlib.resources import files

import pytest
import torch

from physadv.core import encode, generator
from physadv.scene import SIGNS, render, sign
from physadv.training import answers, as_annotated, read_crops, street_answers
from physadv.victims import load_victim
from physadv.victims.bundled import SIZE_PX, bundled, card
from tests.shared_data import DATA

GTSRB = DATA / "gtsrb"


def test_its_weights_are_small_enough_for_the_wheel() -> None:
    size = (files("physadv.victims.bundled") / "weights.safetensors").read_bytes()
    assert len(size) <= 3 * 2**20


def test_the_card_claims_what_the_project_promises() -> None:
    measured = card()["measured"]
    assert measured["GTSRB test"]["n"] == 3000
    assert measured["GTSRB test"]["share"] >= 0.98
    assert measured["GTSRB test, stop signs"]["share"] >= 0.98
    faces = {f"street, {name}" for name in SIGNS if "gtsrb" in sign(name).labels}
    assert faces <= measured.keys()
    assert all(measured[face]["share"] >= 0.95 for face in faces)


@pytest.mark.parametrize("name", ["stop", "yield", "speed_limit_80", "no_passing"])
def test_simulated_photos_are_read_as_the_card_says(name: str) -> None:
    right = street_answers(bundled().module, name, 40, seed=7) == sign(name).labels["gtsrb"]
    assert float(right.float().mean()) >= 0.9


@pytest.mark.data
def test_real_crops_are_read_as_the_card_says() -> None:
    test = read_crops(GTSRB, "test")
    sample = test.rows(torch.randperm(len(test), generator=generator(0))[:600])
    right = answers(bundled().module, as_annotated(sample, SIZE_PX)) == sample.classes
    assert float(right.float().mean()) >= card()["measured"]["GTSRB test"]["low"] - 0.01


@pytest.mark.data
def test_all_real_stop_signs_are_read_as_the_card_says() -> None:
    test = read_crops(GTSRB, "test")
    stops = test.rows(test.classes == 14)
    right = answers(bundled().module, as_annotated(stops, SIZE_PX)) == 14
    assert (int(right.sum()), len(right)) == (
        card()["measured"]["GTSRB test, stop signs"]["hits"],
        135,
    )


@pytest.mark.data
def test_the_leaked_drive_is_left_out_of_training() -> None:
    train = read_crops(GTSRB, "train")
    assert 14 * 1000 + 23 not in train.tracks.tolist()
    assert len(train) == 8076 - 15


def test_the_public_victim_reads_bare_faces_drawn_from_the_standard() -> None:
    victim = load_victim("bundled")
    for name in SIGNS:
        face = render(sign(name), 96)
        picture = encode(face.texture) * face.cover + 0.5 * (1 - face.cover)
        padded = torch.nn.functional.pad(picture, (10, 10, 10, 10), value=0.5)
        assert int(victim(padded).best) == sign(name).labels["gtsrb"], name  # type: ignore[arg-type]  # encoded above
