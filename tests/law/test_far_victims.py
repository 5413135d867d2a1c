"""Detectors, preparations and ensembles elsewhere: the same answers, losses, gradients, reports."""

from typing import Literal

import pytest
import torch
from torch import Tensor

from physadv.core import Encoded, generator
from physadv.judge import judge
from physadv.objectives import vanish
from physadv.patch import Limits, Pixels, candidates
from physadv.presets import world
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from physadv.victims import Ensemble, Prepare, fastestdet, nanodet, yolo
from tests.elsewhere import ELSEWHERE, apart
from tests.law.test_device_law import near, stepped
from tests.victims import cell_detector, small_victim

IMAGES = torch.rand(2, 3, 40, 56, generator=generator(0))


def problem(*, far: bool) -> Problem:
    detector, scene = cell_detector((32, 48)), StreetScene(sign("stop"))
    if far:
        detector.module.to(ELSEWHERE)
    patch = Pixels(candidates(scene.face(), Limits())["middle"])
    goal = vanish(0, iou=0.1, score=0.4)
    return Problem(detector, goal, patch, world("lab", scene, label=0))


def test_a_step_against_a_detector_elsewhere_is_the_step_here() -> None:
    own = stepped(problem(far=False))
    with apart() as reads:
        far = stepped(problem(far=True))
    for one, other in zip(own, far, strict=True):
        torch.testing.assert_close(other, one, atol=2e-4, rtol=1e-3)
    assert len(reads) <= 40, reads


def test_the_judge_s_report_of_a_detector_is_the_same() -> None:
    trial = problem(far=False)
    theta = trial.patch.start(generator(0))
    own = judge(trial, theta, seed=3, n=4)
    with apart():
        assert judge(problem(far=True), theta, seed=3, n=4) == own


@pytest.mark.parametrize(
    "prepare",
    [
        Prepare(32, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), fit="letterbox", bgr=True),
        Prepare(32, fit="crop", interpolation="bicubic", scale=255),
    ],
)
def test_images_are_prepared_where_they_are(prepare: Prepare) -> None:
    own = prepare(IMAGES)
    with apart():
        far = prepare(IMAGES.to(ELSEWHERE))
    torch.testing.assert_close(near(far), own)


def test_heads_are_decoded_where_they_are() -> None:
    cells = (48, 12, 4)
    heads = [
        torch.rand(2, n, wide, generator=generator(n + wide)) for wide in (5, 32) for n in cells
    ]
    maps = torch.rand(2, 8, 3, 5, generator=generator(0))
    own = [fastestdet(maps), nanodet((48, 64))(heads), yolo(objectness=True)(heads[3])]
    with apart():
        moved = [head.to(ELSEWHERE) for head in heads]
        far = [
            fastestdet(maps.to(ELSEWHERE)),
            nanodet((48, 64))(moved),
            yolo(objectness=True)(moved[3]),
        ]
        reported = [one.final(0.3, 0.5) for one in far]
    for here, there, found in zip(own, far, reported, strict=True):
        torch.testing.assert_close(near(there.boxes), here.boxes)
        torch.testing.assert_close(near(there.scores), here.scores)
        for one, other in zip(here.final(0.3, 0.5), found, strict=True):
            torch.testing.assert_close(other.boxes, one.boxes)


@pytest.mark.parametrize("mean", ["logits", "losses", "probabilities"])
def test_an_ensemble_is_where_its_members_are(
    mean: Literal["logits", "losses", "probabilities"],
) -> None:
    def scores(images: Tensor, *, far: bool) -> Tensor:
        members = [small_victim(seed=1), small_victim(seed=2)]
        for member in members if far else ():
            member.module.to(ELSEWHERE)
        together = Ensemble(members, mean=mean)
        assert together.device == images.device
        return near(together(Encoded(images)).scores.detach())

    own = scores(IMAGES, far=False)
    with apart():
        far = scores(IMAGES.to(ELSEWHERE), far=True)
    torch.testing.assert_close(far, own)
