"""Defences as ART's preprocessors, postprocessors and detectors, inside ART's own workflows."""

from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import HopSkipJump, ProjectedGradientDescent
from art.defences.postprocessor import ClassLabels, Rounded
from art.defences.postprocessor import ReverseSigmoid as ArtReverseSigmoid
from art.defences.preprocessor import FeatureSqueezing as ArtBits
from art.defences.preprocessor import JpegCompression
from physadv_art import (
    AnswerDefence,
    ImageDefence,
    JpegDefence,
    RejectionDetector,
    from_victim,
)
from torch import Tensor, nn

from physadv.core import Encoded, UserError, generator
from physadv.defences import (
    APEGAN,
    BitDepth,
    Defence,
    DefenseGAN,
    FeatureSqueezing,
    Jpeg,
    LabelOnly,
    LocalGradientsSmoothing,
    MagNet,
    Median,
    NoisyScores,
    QueryDetection,
    RandomizedSmoothing,
    Reconstruction,
    ReverseSigmoid,
    RoundedScores,
    SafetyNet,
    SaliencyMasking,
    TotalVariation,
)
from physadv.generative import Autoencoder, Restorer, seeded
from tests.plugins.cast import SIDE, accuracy, blobs, data, estimator, grey_estimator, victim
from tests.plugins.test_art_defences import RANGES

IMAGE: Any = np.full((1, 3, SIDE, SIDE), 0.5, dtype=np.float32)
BITS_CLASS: Any = BitDepth


class Shades(nn.Module):
    """A generator of images (B,3,s,s) of one shade, brighter with the first of two numbers."""

    def __init__(self, side: int = SIDE) -> None:
        super().__init__()
        self.side, self.gain = side, nn.Parameter(torch.tensor(0.7))

    def forward(self, latents: Tensor) -> Tensor:
        shade = (self.gain * latents[:, 0]).sigmoid()
        return shade[:, None, None, None].expand(-1, 3, self.side, self.side)


def magnet() -> MagNet:
    net = seeded(Autoencoder, 0, 4)
    return MagNet(net, (Reconstruction(net, "l1"),))


SMOOTH: list[Defence] = [
    APEGAN(seeded(Restorer, 0, 4)),
    DefenseGAN(Shades(), 2, steps=4, restarts=1, rate=0.5, slope="unrolled"),
    LocalGradientsSmoothing(0.5, block_px=5, overlap_px=2, threshold=0.01),
    magnet(),
    Median(),
    TotalVariation(0.02, steps=500),
]
"""Those whose slopes are their own."""
STRAIGHT: list[Defence] = [
    BitDepth(3),
    DefenseGAN(Shades(), 2, steps=4, restarts=2),
]
IMAGES = [*SMOOTH, *STRAIGHT, Jpeg(60)]


def name(one: object) -> str:
    return type(one).__name__ + (" unrolled" if getattr(one, "slope", "") == "unrolled" else "")


@pytest.mark.parametrize("defence", IMAGES, ids=name)
@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("clip_values", RANGES)
def test_images_are_changed_as_the_defence_does(
    defence: Defence, clip_values: tuple[float, float], channels_first: bool
) -> None:
    """The oracle is what a victim behind the defence is shown, which its own tests hold."""
    seen: list[Tensor] = []
    inner = victim()
    inner.module.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    images = blobs(3, 1)[0]
    defence(inner)(Encoded(images))
    wanted = seen[-1].detach() * 0.25 + 0.5  # the victim's mean and standard deviation
    low, high = clip_values
    x = (images.numpy() * (high - low) + low).astype(np.float32)
    x = x if channels_first else x.transpose(0, 2, 3, 1)
    made = ImageDefence(defence, clip_values, channels_first=channels_first)
    found, labels = made(x, np.arange(3))
    assert found.dtype == np.float32
    assert labels is not None
    assert labels.tolist() == [0, 1, 2]
    if type(defence) is DefenseGAN:  # its latents are drawn from another seed
        again, _ = made(x)
        made.reset()
        assert np.array_equal(made(x)[0], found)
        assert not np.array_equal(again, found)
        return
    found = found if channels_first else found.transpose(0, 3, 1, 2)
    assert np.abs((found - low) / (high - low) - wanted.numpy()).max() < 1e-4
    assert np.abs(wanted.numpy() - images.numpy()).max() > 0.01


@pytest.mark.parametrize("defence", SMOOTH, ids=name)
@pytest.mark.parametrize("clip_values", RANGES)
def test_slopes_are_finite_differences(defence: Defence, clip_values: tuple[float, float]) -> None:
    low, high = clip_values
    made = ImageDefence(defence, clip_values)
    rng = np.random.default_rng(0)
    x, grad, along = (rng.uniform(0.3, 0.7, (2, 3, SIDE, SIDE)) for _ in range(3))
    x, grad, along = x * (high - low) + low, grad - 0.5, (along - 0.5) * (high - low)
    made(x.astype(np.float32))  # the door, in single precision
    networks = [one for one in vars(defence).values() if isinstance(one, nn.Module)]
    try:
        for network in networks:
            network.double()
        made.reset()
        found = made.estimate_gradient(x, grad)
        ends = []
        for step in (1e-5, -1e-5):
            made.reset()
            value = made.forward(torch.from_numpy(x + step * along))[0].detach()
            ends.append(float((value.numpy() * grad).sum()))
    finally:
        for network in networks:
            network.float()
    quotient = (ends[0] - ends[1]) / 2e-5
    assert float((found * along).sum()) == pytest.approx(quotient, rel=1e-3, abs=1e-6)
    assert abs(quotient) > 1e-3


@pytest.mark.parametrize("defence", STRAIGHT, ids=name)
def test_where_there_is_no_slope_it_goes_straight_through(defence: Defence) -> None:
    made, rng = ImageDefence(defence, (0.0, 255.0)), np.random.default_rng(0)
    x = rng.uniform(0, 255, (2, 3, SIDE, SIDE)).astype(np.float32)
    grad = rng.normal(size=x.shape).astype(np.float32)
    assert np.allclose(made.estimate_gradient(x, grad), grad, atol=1e-5)


@pytest.mark.parametrize("defence", IMAGES, ids=name)
def test_pgd_of_arts_goes_through_a_preprocessor(defence: Defence) -> None:
    on = estimator(preprocessing_defences=ImageDefence(defence))
    x, y = data(on, 24)
    attack = ProjectedGradientDescent(on, eps=0.3, eps_step=0.1, max_iter=5, verbose=False)
    attacked = attack.generate(x)
    assert np.abs(attacked - x).max() <= 0.3 + 1e-6
    if type(defence) not in (APEGAN, DefenseGAN, MagNet):  # untrained, they show nothing of x
        assert accuracy(on, x, y) > 0.5
        assert accuracy(on, attacked, y) < accuracy(on, x, y) - 0.3


def test_grey_images_stay_grey() -> None:
    on = grey_estimator(preprocessing_defences=ImageDefence(Jpeg(80)))
    x, y = data(on)
    assert accuracy(on, x, y) >= 0.75
    assert ImageDefence(BitDepth(2))(x)[0].shape == x.shape


def test_beside_arts_own_preprocessors() -> None:
    """Bits are ART's but for its rounding; its JPEG is PIL's, ours is the camera's."""
    x = blobs(4, 1)[0].numpy()
    bits, _ = ArtBits(clip_values=(0, 1), bit_depth=3)(x)
    assert np.allclose(ImageDefence(BitDepth(3))(x)[0], bits, atol=1e-6)
    theirs, _ = JpegCompression((0, 1), quality=75, channels_first=True)(x)
    ours, _ = ImageDefence(Jpeg(75))(x)
    assert np.array_equal(ours, JpegDefence(75)(x)[0])
    assert np.abs(ours - theirs).mean() < 0.01 < np.abs(ours - theirs).max() + 0.01


ANSWERS: list[Defence] = [LabelOnly(), RoundedScores(2), ReverseSigmoid(), NoisyScores(0.1)]


def shares(n: int = 50, classes: int = 5) -> Any:
    scores = 2 * torch.randn(n, classes, generator=generator(0))
    return scores.softmax(dim=1).numpy()


@pytest.mark.parametrize("defence", ANSWERS, ids=name)
def test_answers_are_those_of_the_defended_victim(defence: Defence) -> None:
    on, images = estimator(), Encoded(blobs(6, 1)[0])
    bare = on.predict(images.numpy())
    told = AnswerDefence(defence)(bare)
    assert told.dtype == bare.dtype
    if type(defence) is NoisyScores:
        made = AnswerDefence(defence)
        assert np.array_equal(made(bare), told)
        noise = np.concatenate([made(bare) - bare for _ in range(200)])
        assert noise.std() == pytest.approx(0.1, rel=0.05)
        made.reset()
        assert np.array_equal(made(bare), told)
        return
    assert np.allclose(told, defence(victim())(images).scores.detach().numpy(), atol=1e-5)
    assert (told.argmax(axis=1) == bare.argmax(axis=1)).all()


def test_probabilities_are_told_as_arts_postprocessors_do() -> None:
    given = shares()
    best = np.eye(5, dtype=np.float32)[given.argmax(axis=1)]
    assert np.array_equal(AnswerDefence(LabelOnly())(given), best)
    for row, wanted in zip(given, best, strict=True):  # of several rows it makes all classes 1
        assert np.array_equal(ClassLabels()(row[None])[0], wanted)
    ours, theirs = AnswerDefence(RoundedScores(2))(given), Rounded(2)(given)
    assert np.abs(ours - theirs).max() <= 0.0011  # the best class is kept from ties
    assert (ours.argmax(axis=1) == given.argmax(axis=1)).all()
    ours = AnswerDefence(ReverseSigmoid(0.05, 0.1))(given)
    assert np.allclose(ours, ArtReverseSigmoid(0.05, 0.1)(given), atol=1e-5)


@pytest.mark.parametrize("defence", ANSWERS, ids=name)
def test_a_black_box_attack_of_arts_meets_a_postprocessor(defence: Defence) -> None:
    on = estimator(postprocessing_defences=AnswerDefence(defence))
    x, y = data(on, 4)
    assert accuracy(on, x, y) >= 0.75
    attack = HopSkipJump(on, max_iter=2, max_eval=40, init_eval=10, verbose=False)
    attacked = attack.generate(x)
    right = on.predict(x).argmax(axis=1)
    assert (on.predict(attacked).argmax(axis=1) != right).mean() >= 0.5


def safety_net() -> SafetyNet:
    width = 6 * SIDE * SIDE
    vectors = torch.rand(4, width, generator=generator(0)).round()
    weights = torch.tensor([1.0, -0.5, 0.5, -1.0])
    return SafetyNet("network.0", torch.tensor([0.1, 0.5]), vectors, weights, 0.0, 1 / width)


DETECTORS: list[Defence] = [FeatureSqueezing(), magnet(), QueryDetection(), safety_net()]


@pytest.mark.parametrize("defence", DETECTORS, ids=name)
@pytest.mark.parametrize("clip_values", RANGES)
def test_detectors_call_adversarial_what_the_defence_rejects(
    defence: Any, clip_values: tuple[float, float]
) -> None:
    on = estimator(clip_values=clip_values)
    detector = RejectionDetector(on, defence, false_alarms=0.25)
    clean, _ = data(on, 40, seed=3)
    detector.fit(clean, None)
    _, alarms = detector.detect(clean, batch_size=16)
    assert alarms.dtype == bool
    assert alarms.mean() <= 0.25
    other, _ = data(on, 40, seed=4)
    detector.reset()
    report, alarms = detector.detect(other, batch_size=16)
    assert (alarms == (report["scores"] > report["threshold"])).all()
    inner = on if isinstance(defence, SafetyNet) else None
    plain = victim() if inner is None else detector.victim
    fitted = defence
    if hasattr(defence, "fitted"):
        fitted = defence.fitted(plain, Encoded(detector.frame.images(clean)), 0.25)
    guarded = fitted(plain)
    images = Encoded(detector.frame.images(other))
    rejected = guarded(images).best == guarded.label("rejected")
    assert alarms.tolist() == rejected.tolist()


def test_a_detector_of_queries_remembers() -> None:
    on = estimator()
    detector, (x, _) = RejectionDetector(on, QueryDetection()), data(on, 6)
    detector.fit(x, None)
    assert detector.detect(x)[1].tolist() == [False] * 6
    assert detector.detect(x)[1].tolist() == [True] * 6
    detector.reset()
    assert detector.detect(x)[1].tolist() == [False] * 6
    assert set(detector.get_params()) == {"defence", "false_alarms"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ImageDefence(LabelOnly()), "defence: expected one that changes images"),
        (lambda: ImageDefence(BITS_CLASS), "defence: expected one that .*, got BitDepth"),
        (lambda: ImageDefence(RandomizedSmoothing()), "put it around a classifier with Defended"),
        (lambda: ImageDefence(FeatureSqueezing())(IMAGE), "expected one that changes images"),
        (lambda: ImageDefence(SaliencyMasking())(IMAGE), "defence: expected one that asks no"),
        (
            lambda: ImageDefence(DefenseGAN(Shades(8), 2))(IMAGE),
            r"generator: expected a network that makes \(1, 3, 16, 16\) .*\(1, 3, 8, 8\)",
        ),
        (lambda: AnswerDefence(BitDepth()), "defence: expected one that changes answers"),
        (lambda: AnswerDefence(FeatureSqueezing()), "defence: expected one that changes answers"),
        (lambda: RejectionDetector(estimator(), Jpeg()), "defence: expected one that rejects"),
        (
            lambda: RejectionDetector(estimator(), QueryDetection(), 1.0),
            "false_alarms: expected a share",
        ),
    ],
)
def test_defences_of_another_kind_are_refused(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_an_estimator_of_a_defended_victim_agrees_with_its_preprocessor() -> None:
    x, y = data(estimator(), 6)
    one = estimator(preprocessing_defences=ImageDefence(Median()))
    other = from_victim(Median()(victim()))
    assert np.allclose(one.predict(x), other.predict(x), atol=1e-5)
    hot = np.eye(4, dtype=np.float32)[y]
    assert np.allclose(one.loss_gradient(x, hot), other.loss_gradient(x, hot), atol=1e-5)
