"""Defences against independent filters, closed forms, and attacks that know them."""

import io
from collections.abc import Callable
from math import inf
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.fft import dctn, idctn
from scipy.ndimage import median_filter
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

from physadv.attacks.digital import PGD, EstimatedPGD, Rows
from physadv.camera.jpeg import LUMA, TO_YCC
from physadv.core import Answer, Encoded, Photo, generator, quantise
from physadv.defences import (
    BitDepth,
    FeatureSqueezing,
    Jpeg,
    LabelOnly,
    Median,
    NoisyScores,
    QueryDetection,
    ReverseSigmoid,
    RoundedScores,
    TotalVariation,
    with_rejected,
)
from physadv.defences.total_variation import denoised, moved
from physadv.objectives import cross_entropy, margin, untargeted
from tests.victims import linear_victim, small_victim


def some(n: int = 4, size: tuple[int, int] = (12, 16), seed: int = 0) -> Encoded:
    return Encoded(torch.rand(n, 3, *size, generator=generator(seed)))


def straight(squeeze: Callable[[Tensor], Tensor], images: Tensor) -> bool:
    """Tell whether a slope comes through as it was."""
    point = images.clone().requires_grad_()
    weights = torch.randn(images.shape, generator=generator(5))
    (slope,) = torch.autograd.grad((squeeze(point) * weights).sum(), point)
    return torch.allclose(slope, weights, atol=1e-5)


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_fewer_bits(bits: int) -> None:
    images, most = some(), 2**bits - 1
    made = BitDepth(bits).squeeze(images)
    assert torch.allclose(made, torch.round(images * most) / most)
    assert len(set(made.flatten().tolist())) <= 2**bits
    assert straight(BitDepth(bits).squeeze, images)


@pytest.mark.parametrize("side", [1, 3, 5])
def test_the_median_is_scipys(side: int) -> None:
    images = some()
    made = Median(side).squeeze(images)
    theirs = median_filter(images.numpy(), size=(1, 1, side, side), mode="mirror")
    assert np.allclose(made.numpy(), theirs, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 5, 30])
def test_total_variation_is_scikit_images(steps: int) -> None:
    """Whose first step is none."""
    images, denoise = some().double(), cast(Any, denoise_tv_chambolle)
    made = TotalVariation(0.1, steps).squeeze(images)
    for row, one in zip(made.numpy(), images.numpy(), strict=True):
        theirs = denoise(one, 0.1, eps=0, max_num_iter=steps + 1, channel_axis=0)
        assert np.allclose(row, theirs, atol=1e-12)


def test_the_slope_of_total_variation_is_its_own() -> None:
    """The derivative against differences; that it is symmetric, against reverse differentiation."""
    images, change = some(1).double(), some(1, seed=2).double() - 0.5
    step = 1e-7 * change
    ends = [denoised(images + sign * step, 0.1, 30) for sign in (1, -1)]
    along = moved(images, change, 0.1, 30)
    assert torch.allclose((ends[0] - ends[1]) / 2e-7, along, atol=1e-5)
    point = images.clone().requires_grad_()
    (theirs,) = torch.autograd.grad((denoised(point, 0.1, 300) * change).sum(), point)
    (slope,) = torch.autograd.grad((TotalVariation(0.1, 300).squeeze(point) * change).sum(), point)
    assert float((slope - theirs).norm() / theirs.norm()) < 0.01


def test_total_variation_falls() -> None:
    """Of a step with noise the step is left: means of both sides move to each other by weight/w."""
    clean = torch.full((1, 3, 16, 32), 0.25)
    clean[..., 16:] = 0.75
    noisy = Encoded(clean + 0.05 * torch.randn(clean.shape, generator=generator(0)))
    made = TotalVariation(0.1).squeeze(noisy)
    assert float((made - clean).square().mean()) < 0.3 * float((noisy - clean).square().mean())


@pytest.mark.parametrize("size", [(16, 32), (23, 31)])
def test_jpeg_is_pillows(size: tuple[int, int]) -> None:
    coarse = some(1, (4, 5))
    smooth = torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    image = quantise(smooth)
    made = Jpeg(60).squeeze(image)
    stream = io.BytesIO()
    rows = (image[0].permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(rows).save(stream, "JPEG", quality=60, subsampling="4:2:0")
    theirs = np.asarray(Image.open(stream), dtype=np.float32) / 255
    assert float(np.abs(made[0].permute(1, 2, 0).numpy() - theirs).mean()) < 2 / 255


def test_the_slope_of_jpeg_goes_through_what_is_rounded_to_more_than_nothing() -> None:
    """Of a grey block by scipy's cosine transform; colours of grey are 0, where no slope is."""
    rng = np.random.default_rng(0)
    block, weights = 0.5 + 0.1 * rng.normal(size=(16, 16)), rng.normal(size=(16, 16))
    slope, steps = np.zeros((16, 16)), np.array(LUMA) / 255  # the tables as they are at 50
    for at in np.ndindex(2, 2):
        tile = tuple(slice(8 * k, 8 * k + 8) for k in at)
        known = dctn(block[tile] - 128 / 255, norm="ortho") / steps
        let = np.where(np.round(known) == 0, 2 * np.abs(known), 1.0)
        slope[tile] = idctn(let * dctn(3 * weights[tile], norm="ortho"), norm="ortho")
    assert 0.1 < np.mean(np.abs(let) < 1) < 0.9
    point = torch.from_numpy(block).expand(1, 3, -1, -1).clone().requires_grad_()
    value = (Jpeg(50).squeeze(point) * torch.from_numpy(weights)).sum()
    (found,) = torch.autograd.grad(value, point)
    for channel, share in enumerate(TO_YCC[0]):
        assert np.allclose(found[0, channel].numpy(), share * slope, atol=1e-5)


def test_a_label_alone() -> None:
    victim, images = small_victim(), some()
    told = LabelOnly()(victim)(images).scores
    assert torch.equal(told.sum(dim=1), torch.ones(4))
    assert torch.equal(told.argmax(dim=1), victim(images).best)
    assert told.unique().tolist() == [0.0, 1.0]


def scores(n: int = 500, classes: int = 6, spread: float = 3.0) -> Tensor:
    return spread * torch.randn(n, classes, generator=generator(1))


class Says:
    """Answers with scores that are given, whatever it is shown."""

    name, labels, size_px, differentiable = "says", tuple("abcdef"), (8, 8), True

    def __init__(self, told: Tensor) -> None:
        self.told = told

    def __call__(self, images: Encoded) -> Answer:
        return Answer(self.told[: len(images)])

    def label(self, name_or_index: str | int) -> int:
        return int(name_or_index)


@pytest.mark.parametrize("decimals", [0, 1, 3])
def test_rounded_scores_tell_whole_digits_and_the_class(decimals: int) -> None:
    given = scores()
    told = RoundedScores(decimals)(Says(given))(some(500, (8, 8))).scores
    assert torch.equal(told.argmax(dim=1), given.argmax(dim=1))
    others = told.exp().scatter(1, told.argmax(dim=1, keepdim=True), 0.0) * 10**decimals
    assert float((others - others.round()).abs().max()) < 10**decimals * 2e-7 + 1e-3
    sure = given.softmax(dim=1).scatter(1, given.argmax(dim=1, keepdim=True), 0.0)
    assert float((others / 10**decimals - sure).abs().max()) <= 0.5 / 10**decimals + 1e-5


def test_the_reverse_sigmoid_is_the_papers_where_it_leaves_the_class_and_never_turns_it() -> None:
    given = scores().double()
    bent = ReverseSigmoid(beta=0.1, gamma=0.2).bent(given)
    sure = given.softmax(dim=1).clamp(1e-7, 1 - 1e-7).numpy()
    moved = sure - 0.1 * (1 / (1 + np.exp(-0.2 * np.log(sure / (1 - sure)))) - 0.5)
    kept = (moved.argmax(axis=1) == sure.argmax(axis=1)) & (moved > 0).all(axis=1)
    assert kept.mean() > 0.5
    theirs = moved / moved.sum(axis=1, keepdims=True)
    assert np.allclose(bent.exp().numpy()[kept], theirs[kept], atol=1e-6)
    for beta in (0.1, 0.7, 5.0):
        told = ReverseSigmoid(beta=beta, gamma=0.5).bent(given)
        assert torch.equal(told.argmax(dim=1), given.argmax(dim=1))


def test_noise_on_scores_has_its_spread() -> None:
    given = torch.zeros(4000, 6)
    made = NoisyScores(0.3)(Says(given))
    told = made(some(4000, (8, 8))).scores
    assert float(told.mean()) == pytest.approx(0, abs=0.01)
    assert float(told.std()) == pytest.approx(0.3, abs=0.01)
    assert not torch.equal(made(some(4000, (8, 8))).scores, told)


def test_what_is_suspicious_is_rejected() -> None:
    given = scores(200)
    suspicion = torch.randn(200, generator=generator(2))
    told = with_rejected(given, suspicion)
    assert torch.equal(told.argmax(dim=1) == 6, suspicion > 0)
    assert torch.equal(told[:, :6], given)


@pytest.mark.parametrize("loss", [margin, cross_entropy])
def test_what_is_never_wanted_is_no_success(loss: object) -> None:
    """By the margin: below 0 where, and only where, it succeeds."""
    given = scores(300)
    labels = torch.randint(5, (300,), generator=generator(3))
    goal = untargeted(loss, never=(5,))  # type: ignore[arg-type]  # one of the two
    photo = Photo(torch.zeros(300, 3, 1, 1), None, None, labels)  # type: ignore[arg-type]  # not looked at
    met = goal.success(Answer(given), photo)
    best = given.argmax(dim=1)
    assert torch.equal(met, (best != labels) & (best != 5))
    low = goal.loss(Answer(given), photo)
    if loss is margin:
        assert torch.equal(low < 0, met)
    plain = untargeted(loss)  # type: ignore[arg-type]  # one of the two
    quiet = given.index_fill(1, torch.tensor(5), -1e9)
    assert torch.allclose(
        goal.loss(Answer(quiet), photo), plain.loss(Answer(quiet), photo), atol=1e-5
    )


def test_the_threshold_of_squeezing_is_met_by_the_share_that_was_asked_for() -> None:
    victim, images = small_victim(), some(200)
    fitted = FeatureSqueezing().fitted(victim, images, false_alarms=0.1)
    rejected = fitted(victim)(images).best == len(victim.labels)
    assert 0 < int(rejected.sum()) <= 20


def test_an_attack_that_knows_the_detector_evades_it() -> None:
    """Blind to it, images are rejected or not; told of it, none that succeeds is."""
    victim, images = linear_victim(), some(16, (8, 8))
    labels = victim(images).best
    guarded = FeatureSqueezing(bits=2, side_px=3, threshold=0.05)(victim)
    goal = untargeted(margin, never=(guarded.label("rejected"),))
    how = PGD(inf, 0.3, steps=40)
    made = how(guarded, images, goal, rows=Rows(labels=labels))
    answer = guarded(made)
    met = (answer.best != labels) & (answer.best != guarded.label("rejected"))
    blind = guarded(how(victim, images, untargeted(margin), rows=Rows(labels=labels)))
    met_blind = (blind.best != labels) & (blind.best != guarded.label("rejected"))
    assert int(met.sum()) > int(met_blind.sum())


def test_near_duplicates_are_rejected_and_others_are_not() -> None:
    victim = small_victim()
    guarded = QueryDetection()(victim)
    rejected = guarded.label("rejected")
    images = some(30, (12, 16))
    assert int((guarded(images).best == rejected).sum()) == 0
    change = torch.zeros(3, 12, 16)
    change[:, :4] = 4 / 255
    near = Encoded((images + change).clamp(0, 1))
    assert int((guarded(near).best == rejected).sum()) >= 28
    guarded.reset()
    assert int((guarded(near).best == rejected).sum()) == 0


def test_an_attack_by_queries_is_rejected_from_its_second_query_on() -> None:
    victim, images = small_victim(), quantise(some(1))
    labels = victim(Encoded(images)).best
    guarded = QueryDetection()(victim)
    seen: list[Tensor] = []
    told = guarded.told
    assert told is not None

    def counted(*given: object) -> Tensor:
        scores = told(*given)  # type: ignore[arg-type]  # handed on
        seen.append(scores.argmax(dim=1))
        return scores

    guarded.told = counted
    goal = untargeted(margin, never=(guarded.label("rejected"),))
    attack = EstimatedPGD(eps=4 / 255, queries=60, samples=5, method="nes")
    attack(guarded, Encoded(images), goal, rows=Rows(labels=labels))
    answers = torch.cat(seen)
    assert len(answers) >= 40
    assert float((answers[1:] == guarded.label("rejected")).float().mean()) > 0.7
