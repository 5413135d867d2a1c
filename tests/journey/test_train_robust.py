"""`physadv train robust` from a folder of signs to a victim; stops, resumes, refusals."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import physadv.training.robust.recipe
from physadv.core import Encoded
from physadv.generative.files import write_tensors
from physadv.training.robust import BATCHES, METHODS
from physadv.victims import load_victim
from tests.journey.commands import card, done, refused
from tests.journey.commands import physadv as run
from tests.toy_gtsrb import toy_gtsrb


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_gtsrb(tmp_path_factory.mktemp("gtsrb"))


def command(folder: Path, out: Path, *more: object, method: str = "fast") -> tuple[object, ...]:
    given = ("--data", folder, "--out", out, "--method", method)
    return ("train", "robust", *given, "--batches", 1, "--measured", 2, *more)


def test_what_it_leaves(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = done(*command(folder, out, "--eps", "2/255", "--set", "rate_ratio=1")).stdout
    assert {path.name for path in out.iterdir()} == {
        *("fast.safetensors", "card.json", "checkpoint.safetensors")
    }
    facts = card(out)
    assert facts["by"] == {"Fast": {"eps": 2 / 255, "rate_ratio": 1}}
    assert (facts["method"], facts["done"], facts["trained on"]) == ("fast", 1, "12 crops")
    assert list(facts["measured"]) == ["clean", "PGD 4/255", "PGD 8/255"]
    assert all(rate["n"] == 2 for rate in facts["measured"].values())
    assert "clean: " in said
    victim = load_victim(str(out / "fast.safetensors"))
    assert victim(Encoded(torch.zeros(1, 3, 60, 60))).scores.shape == (1, 43)


def test_a_training_that_was_stopped_goes_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = ("--set", "temperature=5")
    done(*command(folder, whole, *settings, method="distil"))

    def stop(path: Path, *given: Any) -> None:
        if path.name == "checkpoint.safetensors":
            raise KeyboardInterrupt
        write_tensors(path, *given)

    with monkeypatch.context() as patch:
        patch.setattr(physadv.training.robust.recipe, "write_tensors", stop)
        found = run(*command(folder, broken, *settings, method="distil"))
    assert found.exit_code == 130
    assert "--resume" in found.stderr
    assert {path.name for path in broken.iterdir()} == {"teacher.safetensors"}
    line = refused(run(*command(folder, broken, *settings, method="distil")))
    assert "out: expected a folder without a training" in line
    again = command(folder, broken, "--resume", "--set", "temperature=6", method="distil")
    line = refused(run(*again))
    assert "resume: expected the settings the training began with" in line
    (broken / ".checkpoint.safetensors.99.part").write_bytes(b"killed meanwhile")
    done(*command(folder, broken, "--resume", *settings, method="distil"))
    assert not list(broken.glob(".*"))
    one, other = (load_file(out / "distil.safetensors") for out in (whole, broken))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert card(whole)["teacher"]["by"] == {"Teacher": {"temperature": 5}}
    assert card(whole)["measured"] == card(broken)["measured"]


def test_time_that_is_up_ends_it(folder: Path, tmp_path: Path) -> None:
    done(*command(folder, tmp_path, "--batches", 5000, "--minutes", 0.001))
    assert card(tmp_path)["done"] < 5000


def test_every_method_has_its_number_of_batches() -> None:
    assert METHODS.keys() == BATCHES.keys()


def test_bad_input_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    out, nothing = tmp_path / "out", tmp_path / "nothing"
    nothing.mkdir()
    for wrong, said in (
        (command(nothing, out), "data: expected a GTSRB folder"),
        (command(folder, out, method="madry"), "method: expected one of bands, distil, fast, free"),
        (command(folder, out, "--eps", 8), "8 of 255 is 8/255"),
        (command(folder, out, "--eps", "4/255", method="physical"), "physical has no settings"),
        (command(folder, out, "--set", "temperature=0", method="distil"), "expected above 0"),
        (command(folder, out, "--set", "eps"), "set: expected NAME=VALUE"),
        (command(folder, out, "--begin", "weights"), "begin: expected one of bundled, random"),
        (command(folder, out, "--resume"), "resume: expected a folder with a training"),
    ):
        assert said in refused(run(*wrong))
    assert not out.exists()
