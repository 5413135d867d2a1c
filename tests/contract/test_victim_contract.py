"""What every victim keeps: any size, batch = one by one, gradients to the image, no trace left."""

import copy
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from physadv.core import Detections, Encoded, UserError, generator
from physadv.testing import ContractError, check_victim
from physadv.victims import Classifier, Detector, Ensemble, Victim
from physadv.victims.bundled import bundled
from tests.victims import (
    LinearNetwork,
    SmallNetwork,
    cell_detector,
    cells,
    closed_victim,
    linear_victim,
    small_victim,
)


def scripted_victim() -> Classifier:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        module = torch.jit.script(SmallNetwork())
    return Classifier(module, [f"class {k}" for k in range(5)], size_px=(12, 16), name="scripted")


def linear_classifier() -> Classifier:
    return linear_victim().classifier()


def ensemble_victim() -> Ensemble:
    return Ensemble([small_victim(seed=1), small_victim(seed=2)], mean="probabilities")


CLASSIFIERS: list[Callable[[], Classifier]] = [
    small_victim,
    scripted_victim,
    linear_classifier,
    bundled,
]
VICTIMS: list[Callable[[], Victim]] = [*CLASSIFIERS, linear_victim, ensemble_victim]


@pytest.mark.parametrize("make", [*VICTIMS, cell_detector, closed_victim])
def test_the_contract_of_victims(make: Callable[[], Victim]) -> None:
    check_victim(make())


@pytest.mark.parametrize(
    ("fault", "clause"),
    [
        ({"scores": torch.full((1, 1, 1), 1.5)}, "scores are in"),
        ({"valid": torch.ones(1, 1)}, "valid is bool"),
        ({"boxes": torch.full((1, 1, 4), torch.nan)}, "boxes are finite"),
    ],
)
def test_a_detector_that_breaks_the_contract(fault: dict[str, Any], clause: str) -> None:
    class Broken(Detector):
        def __call__(self, images: Encoded) -> Detections:
            shown = super().__call__(images)
            return replace(shown, **{n: v.expand_as(getattr(shown, n)) for n, v in fault.items()})

    right = cell_detector()
    with pytest.raises(ContractError, match=clause):
        check_victim(Broken(right.module, right.labels, right.prepare, right.decode))


def random_images(n: int, size: tuple[int, int], seed: int = 0) -> Encoded:
    return Encoded(torch.rand(n, 3, *size, generator=generator(seed)))


def flags(module: nn.Module) -> list[bool]:
    modes = [part.training for part in module.modules()]
    return modes + [parameter.requires_grad for parameter in module.parameters()]


@pytest.mark.parametrize("make", VICTIMS)
def test_a_batch_is_answered_like_its_images_one_by_one(make: Callable[[], Victim]) -> None:
    victim, images = make(), random_images(4, (20, 30))
    alone = torch.cat([victim(Encoded(image[None])).scores for image in images])
    torch.testing.assert_close(victim(images).scores, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", VICTIMS)
def test_a_plain_colour_gets_one_answer_at_any_size(make: Callable[[], Victim]) -> None:
    victim = make()
    colour = torch.tensor([0.2, 0.5, 0.9]).reshape(1, 3, 1, 1)
    ready = victim(Encoded(colour.expand(1, 3, *victim.size_px))).scores
    assert ready.shape == (1, len(victim.labels))
    for height, width in ((7, 9), (48, 48), (133, 200)):
        scores = victim(Encoded(colour.expand(1, 3, height, width))).scores
        torch.testing.assert_close(scores, ready, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("make", VICTIMS)
def test_gradients_reach_the_images(make: Callable[[], Victim]) -> None:
    victim, images = make(), random_images(2, (24, 32)).requires_grad_()
    (gradient,) = torch.autograd.grad(victim(Encoded(images)).scores[:, 0].sum(), images)
    assert victim.differentiable
    assert bool(gradient.isfinite().all())
    assert bool((gradient.abs().amax(dim=(1, 2, 3)) > 0).all())


@pytest.mark.parametrize("make", VICTIMS)
def test_labels_are_found_by_name_index_and_digits(make: Callable[[], Victim]) -> None:
    victim = make()
    for k, label in enumerate(victim.labels):
        assert victim.label(label) == victim.label(k) == victim.label(str(k)) == k


@pytest.mark.parametrize("wrong", ["no such sign", -1, "-1", "999", "--1", 10**6])
def test_an_unknown_target_is_refused(wrong: str | int) -> None:
    with pytest.raises(UserError, match=r"^label: expected"):
        small_victim().label(wrong)


@pytest.mark.parametrize("make", CLASSIFIERS)
def test_weights_mode_and_flags_stay_as_found(make: Callable[[], Classifier]) -> None:
    victim = make()
    module = victim.module
    module.train()
    list(module.modules())[-1].training = False
    next(module.parameters()).requires_grad_(False)
    digest, found = victim.digest(), flags(module)
    images = random_images(3, (24, 32)).requires_grad_()
    victim(Encoded(images)).scores.sum().backward()
    assert images.grad is not None
    assert flags(module) == found
    assert victim.digest() == digest
    assert all(parameter.grad is None for parameter in module.parameters())


@pytest.mark.parametrize("make", CLASSIFIERS)
def test_training_mode_does_not_show_in_the_answer(make: Callable[[], Classifier]) -> None:
    victim, images = make(), random_images(3, (24, 32))
    victim.module.train()
    training = victim(images).scores
    victim.module.eval()
    torch.testing.assert_close(training, victim(images).scores, rtol=0, atol=0)


def test_the_module_can_still_be_trained_afterwards() -> None:
    victim = small_victim()
    victim(random_images(2, (12, 16)))
    victim.module(random_images(2, (12, 16))).sum().backward()
    assert all(parameter.grad is not None for parameter in victim.module.parameters())


def test_flags_are_restored_when_the_module_fails() -> None:
    class Failing(nn.Linear):
        def forward(self, images: Tensor) -> Tensor:
            raise RuntimeError("no")

    victim = Classifier(Failing(3, 2), ["a", "b"], size_px=8)
    found = flags(victim.module)
    with pytest.raises(UserError, match=r"^victim: expected a network that takes \(1, 3, 8, 8\)"):
        victim(random_images(1, (8, 8)))
    assert flags(victim.module) == found


@pytest.mark.parametrize("size", [(8, 8), (24, 40), (5, 6)])
def test_the_gradient_of_a_linear_victim_is_its_difference_quotient(size: tuple[int, int]) -> None:
    victim, image = linear_classifier(), random_images(1, size).requires_grad_()
    (gradient,) = torch.autograd.grad(victim(Encoded(image)).scores[0, 1], image)
    for seed in range(3):
        step = 0.5 * (random_images(1, size, seed + 1) - image.detach())
        there, back = (victim(Encoded(image.detach() + way * step)).scores[0, 1] for way in (1, 0))
        torch.testing.assert_close(there - back, (gradient * step).sum(), rtol=1e-3, atol=1e-4)


def test_the_gradient_of_the_linear_toy_is_its_closed_form() -> None:
    victim, images = linear_victim(), random_images(1, (24, 40)).requires_grad_()
    scores = victim(Encoded(images)).scores[0]
    (gradient,) = torch.autograd.grad(scores[2] - scores[0], images)
    torch.testing.assert_close(gradient, victim.margin_gradient(2, 0, (24, 40)))


def test_fine_stripes_are_averaged_not_sampled() -> None:
    pick = torch.zeros(2, 3, 8, 8)
    pick[0, 0, 4, 4] = 1  # the score of class 0 is the red of one inner pixel
    victim = Classifier(LinearNetwork(pick, torch.zeros(2)), ["a", "b"], size_px=8)
    stripes = torch.zeros(1, 3, 32, 32)
    stripes[..., ::4] = 1
    assert float(victim(Encoded(stripes)).scores[0, 0]) == pytest.approx(0.25, abs=1e-5)


def test_mean_and_std_are_applied_by_channel() -> None:
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 2.0)
    victim = Classifier(network, ["r", "g", "b"], size_px=4, mean=mean, std=std)
    scores = victim(Encoded(torch.full((1, 3, 4, 4), 0.6))).scores[0]
    torch.testing.assert_close(scores, torch.tensor([1.0, 1.6, 0.15]))


def test_a_half_precision_network_answers_in_the_images_type() -> None:
    whole, images = small_victim(), random_images(2, (12, 16))
    module = copy.deepcopy(whole.module).bfloat16()
    half = Classifier(
        module, whole.labels, size_px=(12, 16), mean=(0.3, 0.4, 0.5), std=(0.2, 0.3, 0.4)
    )
    assert half(images).scores.dtype == torch.float32
    torch.testing.assert_close(half(images).scores, whole(images).scores, rtol=0.1, atol=0.1)


def test_the_digest_follows_the_weights() -> None:
    assert small_victim(seed=1).digest() == small_victim(seed=1).digest()
    assert small_victim(seed=1).digest() != small_victim(seed=2).digest()


def test_the_digest_does_not_ask_how_numbers_lie_in_memory() -> None:
    """As one number seen as many does, which a converter may leave behind."""
    lying, plain = small_victim(), small_victim()
    lying.module.register_buffer("one", torch.ones(()).expand(1))
    plain.module.register_buffer("one", torch.ones(1))
    assert lying.digest() == plain.digest()


WRONG_IMAGES = {
    "bytes": torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
    "0 to 255": torch.full((1, 3, 8, 8), 200.0),
    "normalised": torch.full((1, 3, 8, 8), -1.5),
    "NaN": torch.full((1, 3, 8, 8), float("nan")),
    "one image alone": torch.zeros(3, 8, 8),
    "greyscale": torch.zeros(1, 1, 8, 8),
    "channels last": torch.zeros(1, 8, 8, 3),
    "no image": torch.zeros(0, 3, 8, 8),
}


@pytest.mark.parametrize("kind", WRONG_IMAGES)
def test_what_is_no_image_is_refused(kind: str) -> None:
    with pytest.raises(UserError, match=r"^images: expected"):
        small_victim()(Encoded(WRONG_IMAGES[kind]))


class Giving(nn.Module):
    """Gives the same whatever it is asked."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: Tensor) -> object:
        return self.answer


WRONG_ANSWERS = {
    "no tensor": {"logits": torch.zeros(1, 2)},
    "a map": torch.zeros(1, 2, 4, 4),
    "another batch": torch.zeros(3, 2),
    "no batch": torch.zeros(2),
    "NaN": torch.tensor([[0.0, float("nan")]]),
    "infinite": torch.tensor([[0.0, float("inf")]]),
}


@pytest.mark.parametrize("kind", WRONG_ANSWERS)
def test_what_is_no_score_is_refused(kind: str) -> None:
    victim = Classifier(Giving(WRONG_ANSWERS[kind]), ["a", "b"], size_px=8)
    with pytest.raises(UserError, match=r"^victim: expected"):
        victim(random_images(1, (8, 8)))


def test_another_number_of_classes_is_refused() -> None:
    victim = Classifier(Giving(torch.zeros(1, 43)), ["a", "b"], size_px=8)
    with pytest.raises(UserError, match=r"^labels: expected one name .* 43 outputs, got 2 names; "):
        victim(random_images(1, (8, 8)))


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("size_px", 0),
        ("size_px", (32, 32, 3)),
        ("size_px", 32.0),
        ("mean", (0.5,)),
        ("std", (1.0, 0.0, 1.0)),
        ("labels", "stop"),
        ("module", "resnet18"),
    ],
)
def test_settings_that_do_not_fit_are_refused(argument: str, value: object) -> None:
    settings: dict[str, object] = {"module": SmallNetwork(), "labels": ["a"], "size_px": 8}
    with pytest.raises(UserError, match=rf"^{argument}: expected"):
        Classifier(**(settings | {argument: value}))  # type: ignore[arg-type]  # wrong on purpose


def test_twin_labels_need_the_number() -> None:
    victim = Classifier(SmallNetwork(3), ["crane", "crane", "stop"], size_px=8)
    assert victim.label(1) == 1
    with pytest.raises(UserError, match="give the number"):
        victim.label("crane")


def colours(*cells: tuple[int, int, str]) -> Encoded:
    """Return a grey picture of 32x48 px with coloured cells: (row, column, colour)."""
    images = torch.full((1, 3, 32, 48), 0.2)
    for row, column, colour in cells:
        k = ("red", "green", "blue").index(colour)
        images[0, k, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = 0.9
    return Encoded(images)


def test_a_detector_shows_what_is_there() -> None:
    detector = cell_detector()
    seen = detector(colours((1, 2, "green"), (3, 5, "blue")))
    assert seen.scores.shape == (1, 24, 3)
    (found,) = seen.final(0.5, 0.5)
    pairs = sorted(zip(found.labels.tolist(), found.boxes.tolist(), strict=True))
    assert pairs == [(1, [16.0, 8.0, 24.0, 16.0]), (2, [40.0, 24.0, 48.0, 32.0])]
    wanted = 1 / (1 + math.exp(-8))
    assert found.scores.tolist() == pytest.approx([wanted, wanted])


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_boxes_are_in_pixels_of_the_images_given(factor: int) -> None:
    large = colours((1, 2, "green")).repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    (found,) = cell_detector()(Encoded(large)).final(0.5, 0.5)
    wanted = factor * torch.tensor([[16.0, 8.0, 24.0, 16.0]])
    torch.testing.assert_close(found.boxes, wanted)


def test_weights_mode_and_flags_of_a_detector_stay_as_found() -> None:
    detector = cell_detector()
    detector.module.train()
    digest, found = detector.digest(), flags(detector.module)
    images = random_images(2, (32, 48)).requires_grad_()
    detector(Encoded(images)).scores.sum().backward()
    assert images.grad is not None
    assert flags(detector.module) == found
    assert detector.digest() == digest
    assert all(parameter.grad is None for parameter in detector.module.parameters())


WRONG_DETECTIONS = {
    "no detections": (lambda output: output, r"^decode: expected a decoder that returns"),
    "other classes": (
        lambda output: replace(cells(output), scores=torch.zeros(1, 24, 80)),
        r"^labels: expected one name for each of the detector's 80 classes, got 3 names",
    ),
    "logits": (
        lambda output: replace(cells(output), scores=cells(output).scores * 9 - 4),
        r"^victim: expected finite boxes and scores in \[0,1\], got scores",
    ),
    "lost boxes": (
        lambda output: replace(cells(output), boxes=torch.zeros(1, 7, 4)),
        r"^decode: expected boxes, scores, valid",
    ),
}


@pytest.mark.parametrize("kind", WRONG_DETECTIONS)
def test_what_is_no_detection_is_refused(kind: str) -> None:
    decode, message = WRONG_DETECTIONS[kind]
    right = cell_detector()
    victim = Detector(right.module, right.labels, right.prepare, decode)
    with pytest.raises(UserError, match=message):
        victim(random_images(1, (32, 48)))
