"""Judging attacked images, and photographs of pictures: what must hold whatever they show."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.camera import Camera, retaken, retaking
from physadv.core import Encoded, Span, UserError, draw, generator, quantise, take, wilson
from physadv.evaluation import Photographed, Retakes
from physadv.judge import Told, judge_images
from physadv.objectives import (
    as_labelled,
    cross_entropy,
    margin,
    targeted,
    untargeted,
    wants_labels,
)
from physadv.presets import PRESETS
from tests.victims import linear_victim
from tests.worlds import CALM

SIZE = (8, 8)


def images(n: int = 12, size: tuple[int, int] = SIZE, seed: int = 1) -> Encoded:
    return Encoded(torch.rand(n, 3, *size, generator=generator(seed)))


def test_rates_are_counted_on_rounded_images() -> None:
    victim, clean = linear_victim(), images()
    labels = victim(Encoded(quantise(clean))).best
    made = images(seed=2)
    report = judge_images(victim, clean, made, untargeted(), Told(labels, labels))
    hits = int((victim(Encoded(quantise(made))).best != labels).sum())
    assert report.success == wilson(hits, 12)
    assert report.clean == wilson(0, 12)
    assert report.correct == wilson(12, 12)
    change = (quantise(made) - quantise(clean)).flatten(1)
    assert report.change["2"] == pytest.approx(float(change.norm(dim=1).max()))
    assert report.change["inf"] == pytest.approx(float(change.abs().max()))


def test_what_only_lies_between_the_grey_levels_is_no_success() -> None:
    victim = linear_victim(classes=2)
    clean = Encoded(quantise(images()))
    slope = victim.margin_gradient(1, 0, SIZE).sign()
    made = Encoded((clean + 0.4 / 255 * slope).clamp(0, 1))
    report = judge_images(victim, clean, made, targeted(1, margin), Told(torch.zeros(12), None))
    assert report.success == report.clean
    assert report.change["inf"] == 0


def test_doubts_name_their_reasons() -> None:
    victim, clean = linear_victim(), images()
    labels = victim(Encoded(quantise(clean))).best
    made = images(seed=2)
    wrong = (labels + 1) % 3
    report = judge_images(victim, clean, made, untargeted(), Told(wrong, wrong), {"noise": made})
    told = " | ".join(report.doubts)
    assert "the control 'noise' succeeds" in told
    assert "the victim reads the images in only 0.0 %" in told
    assert "the images themselves meet the objective in 100.0 %" in told


def test_many_images_are_judged_in_parts() -> None:
    victim, clean = linear_victim(), images(150)
    labels = victim(clean).best
    report = judge_images(victim, clean, clean, as_labelled(), Told(labels, None))
    assert report.success.n == 150
    assert report.success.hits == report.clean.hits


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(UserError, match="attacked: expected shape"):
        judge_images(
            linear_victim(), images(2), images(3), untargeted(), Told(torch.zeros(2), None)
        )


def test_goals_that_others_know() -> None:
    assert wants_labels(as_labelled(cross_entropy)) is True
    assert wants_labels(untargeted(margin)) is False
    assert wants_labels(targeted(2)) is None


def test_a_target_and_labels_that_say_it_are_one_goal() -> None:
    victim, clean = linear_victim(), images(5)
    answer = victim(clean)
    labels = torch.full((5,), 2)
    from physadv.attacks.digital import Rows

    photo = Rows(labels=labels).photo(clean)
    assert torch.equal(as_labelled().loss(answer, photo), targeted(2).loss(answer, photo))
    assert torch.equal(as_labelled().success(answer, photo), targeted(2).success(answer, photo))


@pytest.mark.parametrize("size", [(32, 48), (17, 30), (5, 7)])
def test_a_camera_that_does_nothing_shows_the_picture(size: tuple[int, int]) -> None:
    """Smooth pictures, which JPEG at quality 95 leaves within two grey levels."""
    y, x = torch.meshgrid(
        torch.linspace(0, 1, size[0]), torch.linspace(0, 1, size[1]), indexing="ij"
    )
    picture = Encoded((0.3 + 0.2 * x + 0.2 * y).expand(2, 3, -1, -1))
    given = draw(retaking(CALM), 2, generator(0))
    assert float((retaken(CALM, picture, given) - picture).abs().max()) < 3 / 255


@pytest.mark.parametrize("name", PRESETS)
def test_photographs_of_pictures_are_pictures(name: str) -> None:
    camera = PRESETS[name].camera
    given = draw(retaking(camera), 3, generator(2))
    picture = images(3, (20, 24)).requires_grad_()
    made = retaken(camera, Encoded(picture), given)
    assert made.shape == picture.shape
    assert float(made.min()) >= 0 and float(made.max()) <= 1
    alone: list[Tensor] = [
        retaken(camera, Encoded(picture[k : k + 1]), take(given, slice(k, k + 1))) for k in range(3)
    ]
    assert torch.allclose(torch.cat(alone), made, atol=1e-4)
    (slope,) = torch.autograd.grad(made.sum(), picture)
    assert bool((slope.abs().amax(dim=(1, 2, 3)) > 0).all())


def test_what_the_scene_does_does_not_vary() -> None:
    names = retaking(PRESETS["dashcam"].camera)
    assert names
    assert not [name for name in names if name.startswith(("lens", "framing", "rolling_shutter"))]


def test_a_victim_behind_a_camera() -> None:
    """It answers with the mean over photographs, by seed, call and row; gradients reach images."""
    seen = images(3, (16, 16)).requires_grad_()
    victim = Photographed(linear_victim(), "street", samples=4, seed=2)
    one = victim(Encoded(seen)).scores
    other = victim(Encoded(seen)).scores
    assert not torch.allclose(one, other)
    victim.retakes.reset()
    assert torch.equal(victim(Encoded(seen)).scores, one)
    victim.retakes.reset()
    assert torch.allclose(victim(Encoded(seen[:1])).scores, one[:1], atol=1e-5)
    many = Retakes(PRESETS["street"].camera, 2)
    small = Encoded(interpolate(seen, SIZE, mode="bilinear", antialias=True))
    scores = [linear_victim()(Encoded(many.take(small, 4))).scores.reshape(3, 4, -1).mean(dim=1)]
    assert torch.allclose(scores[0], one, atol=1e-5)
    (slope,) = torch.autograd.grad(one.sum(), seen)
    assert bool((slope.abs().amax(dim=(1, 2, 3)) > 0).all())
    assert victim.label(1) == 1


def test_a_stop_more_is_twice_the_light() -> None:
    brighter: Camera = replace(CALM, exposure=replace(CALM.exposure, gain_ev=Span.at(1.0)))
    dark = Encoded(torch.full((1, 3, 16, 16), 0.3))
    made = retaken(brighter, dark, draw(retaking(brighter), 1, generator(0)))
    light = ((0.3 + 0.055) / 1.055) ** 2.4 * 2
    assert float(made.mean()) == pytest.approx(1.055 * light ** (1 / 2.4) - 0.055, abs=0.01)
