"""`physadv train gan` from a folder of images to a generator; stops, resumes, refusals."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import physadv.training.gan
from physadv.generative import load_generator, sample
from physadv.training import recogniser_features
from physadv.victims.bundled import bundled
from tests.journey.commands import card, done, refused
from tests.journey.commands import physadv as run

FILES = {
    *("generator.safetensors", "card.json", "samples.png", "course.png"),
    "checkpoint.safetensors",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen pictures of noise in two folders."""
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for index in range(14):
        (root / str(index % 2)).mkdir(exist_ok=True)
        pixels = rng.uniform(0, 255, (20, 24, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / str(index % 2) / f"{index}.png")
    return root


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gan") / "out"
    done(*command(folder, out))
    return out


def command(folder: Path, out: Path, *more: object) -> tuple[object, ...]:
    return ("train", "gan", "--data", folder, "--out", out, "--batch", 4, "--epochs", 2, *more)


def weights(out: Path) -> torch.Tensor:
    made = load_generator(out / "generator.safetensors")
    return torch.cat([value.flatten().double() for value in made.state_dict().values()])


def test_what_it_leaves(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} == FILES
    facts = card(trained)
    assert facts["trained on"] == "14 pictures, 32x32 px"
    assert facts["figures are of"] == "n=7 made against n=7 real pictures"
    assert [one["epoch"] for one in facts["measured"]] == [0, 1, 2]
    assert facts["recipe"]["kind"] == "dcgan"
    assert all("coverage" in one["quality"] for one in facts["measured"])
    assert any("misses most of the data" in doubt for doubt in facts["doubts"])
    made = sample(load_generator(trained / "generator.safetensors"), 3)
    assert made.shape == (3, 3, 32, 32)
    with Image.open(trained / "samples.png") as image:
        assert image.size == (256, 256)


def test_a_training_that_was_stopped_goes_on(
    folder: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, keep = tmp_path / "out", physadv.training.gan._keep

    def stop(*given: Any) -> None:
        if given[1].epoch == 2:
            raise KeyboardInterrupt
        keep(*given)

    with monkeypatch.context() as patch:
        patch.setattr(physadv.training.gan, "_keep", stop)
        found = run(*command(folder, out))
    assert found.exit_code == 130
    assert "--resume" in found.stderr
    assert {path.name for path in out.iterdir()} == {"samples.png", "checkpoint.safetensors"}
    line = refused(run(*command(folder, out)))
    assert "out: expected a folder without a training" in line
    line = refused(run(*command(folder, out, "--resume", "--seed", 3)))
    assert "resume: expected the settings the training began with, got seed 3 instead of 0" in line
    done(*command(folder, out, "--resume"))
    assert torch.equal(weights(out), weights(trained))
    assert card(out)["measured"] == card(trained)["measured"]


def test_a_training_may_go_on_to_more_epochs(folder: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done(*command(folder, out, "--epochs", 1))
    done(*command(folder, out, "--resume"))
    assert torch.equal(weights(out), weights(trained))


def test_time_that_is_up_ends_it(folder: Path, tmp_path: Path) -> None:
    done(*command(folder, tmp_path / "out", "--epochs", 5000, "--minutes", 0.01))
    facts = card(tmp_path / "out")
    assert 1 <= facts["epochs"] < 5000
    assert facts["measured"][-1]["epoch"] == facts["epochs"]


def test_bad_input_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    nothing, out = tmp_path / "nothing", tmp_path / "out"
    nothing.mkdir()
    for wrong, said in (
        (command(nothing, out), "data: expected a folder of at least 12 images"),
        (command(tmp_path / "none", out), "data: expected a folder of images"),
        (command(folder, out, "--batch", 20), "data: expected a folder of at least 20 images"),
        (command(folder, out, "--kind", "dcgn"), "did you mean 'dcgan'?"),
        (command(folder, out, "--resume"), "resume: expected a folder with a training"),
    ):
        assert said in refused(run(*wrong))
    assert not out.exists()


def test_features_are_what_the_last_layer_is_given() -> None:
    victim, images = bundled(), torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    found = recogniser_features(victim)(images)  # type: ignore[arg-type]  # encoded by its values
    layer = list(victim.module.children())[-1]
    scores = victim(images).scores  # type: ignore[arg-type]  # the same
    assert found.shape == (3, 640)
    assert torch.allclose(layer(found), scores, atol=1e-4)
