"""The loop of the recipes that harden: seeds decide, stops change nothing, accuracy is counted."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import physadv.training.robust.course
from physadv.attacks.digital import PGD
from physadv.core import Encoded, UserError, generator
from physadv.generative.files import read_tensors, write_tensors
from physadv.training import SignCrops, as_annotated, read_crops
from physadv.training.robust import (
    Free,
    Method,
    PatchTraining,
    Pgd,
    Physical,
    RobustRecipe,
    RobustState,
    accuracies,
    harden,
)
from physadv.victims.bundled import SignNet, bundled
from tests.toy_gtsrb import toy_gtsrb
from tests.victims import linear_victim

RECIPE = RobustRecipe(batches=3, batch=2, begin="random")


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> SignCrops:
    return read_crops(toy_gtsrb(tmp_path_factory.mktemp("gtsrb")), "train")


def weights(net: SignNet) -> Tensor:
    return torch.cat([v.double().flatten() for v in net.state_dict().values()])


def last(crops: SignCrops, method: Method, recipe: RobustRecipe = RECIPE) -> Tensor:
    *_, state = harden(crops, method, recipe)
    return weights(state.net)


@pytest.mark.parametrize(
    "method",
    [Free(replays=2), Pgd(steps=1), PatchTraining(steps=1)],
    ids=lambda m: type(m).__name__,
)
def test_a_course_resumed_from_any_state_ends_the_same(
    crops: SignCrops, method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(physadv.training.robust.course, "EVERY", 1)
    states = list[RobustState](harden(crops, method, RECIPE))
    assert [state.done for state in states] == [0, 1, 2, 3]
    for begun in states:
        *_, ended = harden(crops, method, RECIPE, resume=begun.tensors)
        assert torch.equal(weights(ended.net), weights(states[-1].net))
        assert ended.tensors.keys() == states[-1].tensors.keys()
        assert all(torch.equal(v, states[-1].tensors[k]) for k, v in ended.tensors.items())
    assert not torch.equal(weights(states[1].net), weights(states[2].net))


def test_the_seed_decides_and_another_gives_other_weights(crops: SignCrops) -> None:
    one, again = (last(crops, Pgd(steps=1)) for _ in range(2))
    assert torch.equal(one, again)
    other = RobustRecipe(batches=3, batch=2, begin="random", seed=1)
    assert not torch.equal(one, last(crops, Pgd(steps=1), other))
    assert not torch.equal(one, last(crops, Physical()))


def test_a_course_begins_with_the_bundled_weights(crops: SignCrops) -> None:
    state = next(harden(crops, Physical(), RobustRecipe(batches=1)))
    own = weights(bundled().module)  # type: ignore[arg-type]  # a SignNet
    assert torch.equal(weights(state.net), own)


def test_no_global_generator_is_moved(crops: SignCrops) -> None:
    before = torch.get_rng_state()
    last(crops, Physical())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_lesson_shows_what_its_camera_takes_of_the_plain_crops(crops: SignCrops) -> None:
    run = physadv.training.robust.course._begin(RECIPE)
    lesson = physadv.training.robust.course._lesson(run, crops.rows(torch.arange(3)), generator(0))
    assert lesson.plain is not None
    assert torch.equal(lesson.taken(lesson.plain), lesson.images)
    assert not torch.equal(lesson.images, as_annotated(crops.rows(torch.arange(3)), (48, 48)))
    some = lesson.taken(lesson.plain[:2])
    assert torch.allclose(some, lesson.images[:2], atol=1e-6)
    bright = lesson.plain.clone().requires_grad_()
    lesson.taken(bright).sum().backward()
    assert bright.grad is not None
    assert float(bright.grad.abs().sum()) > 0  # an attack reaches the crop through the camera


def test_bad_courses_are_refused(crops: SignCrops) -> None:
    with pytest.raises(UserError, match="begin: expected one of bundled, random"):
        RobustRecipe(begin="bundle")
    with pytest.raises(UserError, match="batches: expected at least 1"):
        RobustRecipe(batches=0)
    with pytest.raises(UserError, match="resume: expected a state of a training"):
        next(harden(crops, Physical(), RECIPE, resume={"done": torch.tensor(1)}))


def test_an_image_counts_where_no_change_in_the_ball_turns_it() -> None:
    """Of a linear victim the smallest change that turns an image is known: margin / L1 norm."""
    victim = linear_victim(classes=2, size_px=(4, 4))
    images = Encoded(0.4 + 0.2 * torch.rand(60, 3, 4, 4, generator=generator(3)))
    scores = victim(images).scores
    labels = scores.argmax(dim=1)
    labels[:10] = 1 - labels[:10]  # misread, and so lost at any budget
    lead = (scores[:, 0] - scores[:, 1]).abs() / (victim.weight[0] - victim.weight[1]).abs().sum()
    budgets = [float(lead[10:].quantile(share)) for share in (0.3, 0.7)]
    found = accuracies(victim, images, labels, budgets=budgets, attack=PGD(steps=10))
    held = [int((lead[10:] > eps).sum()) for eps in budgets]
    assert [rate.hits for rate in found.values()] == [50, *held]
    assert all(rate.n == 60 for rate in found.values())


def test_a_checkpoint_is_whole_on_disk(crops: SignCrops, tmp_path: Path) -> None:
    *_, state = harden(crops, Free(replays=1), RECIPE)
    write_tensors(tmp_path / "state.safetensors", state.tensors, {})
    read, _ = read_tensors(tmp_path / "state.safetensors", "resume", "")
    *_, again = harden(crops, Free(replays=1), RECIPE, resume=read)
    assert torch.equal(weights(again.net), weights(state.net))
