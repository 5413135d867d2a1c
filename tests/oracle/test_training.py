"""The training recipe: resuming changes nothing, the seed decides, bad folders are refused."""

from pathlib import Path

import pytest
import torch

from physadv.core import UserError
from physadv.training import Recipe, read_crops, train
from physadv.victims.bundled import SignNet
from tests.toy_gtsrb import toy_gtsrb

RECIPE = Recipe(epochs=2, batch=4, simulated_batch=2, simulated_each=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_gtsrb(tmp_path_factory.mktemp("gtsrb"))


def weights(net: SignNet) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_a_run_that_was_stopped_ends_like_one_that_was_not(folder: Path, tmp_path: Path) -> None:
    whole = train(folder, tmp_path / "whole.checkpoint", RECIPE)

    def stop(done: int, _total: int, _figures: dict[str, float]) -> None:
        if done == 4:
            raise KeyboardInterrupt

    half = tmp_path / "half.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        train(folder, half, RECIPE, progress=stop)
    seen: list[int] = []
    resumed = train(folder, half, RECIPE, progress=lambda done, *_: seen.append(done))
    assert seen == [4, 5, 6]
    assert torch.equal(weights(whole), weights(resumed))


def test_another_seed_gives_other_weights(folder: Path, tmp_path: Path) -> None:
    one = train(folder, tmp_path / "one.checkpoint", RECIPE)
    other = train(folder, tmp_path / "other.checkpoint", Recipe(**{**vars(RECIPE), "seed": 1}))
    assert not torch.equal(weights(one), weights(other))


def test_a_crop_holds_its_box_where_it_says(folder: Path) -> None:
    crops = read_crops(folder, "train")
    x1, y1, x2, y2 = crops.boxes_px[0].tolist()
    assert x2 - x1 == pytest.approx(80 / 1.6, abs=1e-4)
    assert (y2 - y1) / (x2 - x1) == pytest.approx(24 / 26, abs=1e-6)
    assert crops.pixels.shape == (12, 3, 80, 80)


def test_a_folder_without_the_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data: expected a GTSRB folder .* got no train\.csv"):
        read_crops(tmp_path, "train")
