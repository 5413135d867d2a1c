"""Laws of what is measured of attacked images: norms, noise as large, counts, doubts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from physadv.attacks.digital import PGD, Needs
from physadv.core import Encoded, Rate, UserError, generator, quantise, wilson
from physadv.evaluation import Attacked, Pictures, Run, attack_pictures, audit, sift
from physadv.evaluation.change import measure, noise_alike
from physadv.evaluation.count import counting
from physadv.evaluation.digital import NOISE, first_step
from physadv.objectives import as_labelled, cross_entropy, untargeted
from tests.victims import closed_victim, small_victim

SIZE = (12, 16)


def images(n: int = 4, seed: int = 0) -> Encoded:
    return Encoded(quantise(torch.rand(n, 3, *SIZE, generator=generator(seed))))


def test_norms_are_numpys() -> None:
    one, other = images(seed=1), images(seed=2)
    other[:, :, 3:] = one[:, :, 3:]
    found = measure(one, other)
    change = (quantise(other).double() - quantise(one).double()).numpy().reshape(4, -1)
    for name, order in {"inf": np.inf, "2": 2, "1": 1}.items():
        assert np.allclose(found[name], np.linalg.norm(change, order, axis=1))
    changed = (change.reshape(4, 3, *SIZE) != 0).any(axis=1).sum(axis=(1, 2))
    assert found["0"].tolist() == changed.tolist()
    assert measure(one, one)["ssim"].tolist() == pytest.approx([1.0] * 4)


def test_noise_is_as_large_and_in_the_same_places() -> None:
    clean = Encoded(quantise(0.3 + 0.4 * images()))
    made = clean + 0.1 * torch.randn(clean.shape, generator=generator(3))
    made[..., 8:] = clean[..., 8:]
    noise = noise_alike(clean, made, generator(4))
    sizes, same = measure(clean, made), measure(clean, noise)
    for name in ("inf", "2", "1"):
        assert torch.allclose(sizes[name], same[name], atol=1e-5)
    assert torch.equal(noise[..., 8:], clean[..., 8:])
    assert float((noise != quantise(made)).float()[..., :8].mean()) > 0.9
    up = (noise > clean).float()[..., :8].mean()
    assert 0.4 < float(up) < 0.6


def test_noise_of_a_ball_is_of_the_ball_and_stays_in_range() -> None:
    clean = images()
    made = (clean + (8 / 255) * torch.randn(clean.shape, generator=generator(5)).sign()).clamp(0, 1)
    noise = noise_alike(clean, made, generator(6))
    low, high = torch.aminmax(noise)
    assert float(low) >= 0
    assert float(high) <= 1
    assert float((noise - clean).abs().max()) <= 8 / 255 + 1e-6


def test_images_are_counted_wherever_they_go_in() -> None:
    open_, closed = small_victim(), closed_victim()
    for victim in (open_, closed):
        with counting(victim) as asked:
            victim(images(3))
            victim(images(2))
        victim(images(4))
        assert asked.images == 5


def pictures(victim: object, n: int = 6) -> Pictures:
    batch = images(n, seed=7)
    with torch.no_grad():
        labels = victim(batch).best  # type: ignore[operator]  # a victim
    return Pictures(tuple(Path(f"{k}.png") for k in range(n)), batch, labels, True)


def attacked(eps: float, steps: int = 5, n: int = 6) -> Attacked:
    victim = small_victim()
    goal = (untargeted(cross_entropy), None)
    how = PGD(eps=eps, steps=steps)
    return attack_pictures(
        victim, how, pictures(victim, n), goal, seed=0, watch=(4, lambda _: None)
    )


def test_an_attack_is_counted_watched_and_repeated_with_one_step() -> None:
    found = attacked(0.1)
    assert found.queries == 6 * (5 + 1)
    assert found.one_step is not None
    assert found.one_step.n == 6
    steps = [moment.step for moment in found.course]
    assert steps == sorted(steps)
    assert len(steps) == 6
    assert found.course[-1].confidence[1] <= found.course[0].confidence[1] + 1e-6
    assert torch.equal(found.course[-1].image, found.images[0])


def test_one_step_is_the_same_attack() -> None:
    assert first_step(PGD(eps=0.1, steps=9, rate=0.01)) == PGD(eps=0.1, steps=1)
    assert first_step(PGD(steps=1)) is None


def test_misread_images_and_those_as_wanted_are_left_out_and_counted() -> None:
    victim = small_victim()
    known = pictures(victim)
    labels = known.labels.clone()
    labels[1] = (labels[1] + 1) % 5
    target = int(labels[0])
    others = sum(int(label) == target for k, label in enumerate(known.labels) if k != 1)
    told = replace(known, labels=labels)
    try:
        kept, left = sift(victim, told, as_labelled(), target)
    except UserError:
        assert others == 5
        return
    assert (left.misread, left.met) == (1, others)
    assert len(kept.files) == 6 - left.out
    assert left.correct is not None
    assert (left.correct.hits, left.correct.n) == (5, 6)
    assert Path("1.png") not in kept.files


def test_where_none_is_left_it_is_said() -> None:
    victim = small_victim()
    known = pictures(victim)
    wrong = replace(known, labels=(known.labels + 1) % 5)
    with pytest.raises(UserError, match="6 of which 6 are misread and 0 are as wanted"):
        sift(victim, wrong, untargeted(), None)


def run(
    name: str, eps: float, hits: int, *, noise: int = 0, one: int = 0, needs: Needs = "gradients"
) -> Run:
    found = attacked(0.05, n=2)
    met = tuple(k < hits for k in range(50))
    controls = {NOISE: wilson(noise, 50)}
    report = replace(found.report, success=wilson(hits, 50), controls=controls, met=met)
    step: Rate | None = wilson(one, 50)
    return Run(name, eps, replace(found, report=report, one_step=step), {"eps": f"{eps}"}, needs)


def test_nothing_is_doubted_of_runs_that_are_in_order() -> None:
    runs = [run("a", 0.2, 40, one=20, noise=3), run("a", 0.1, 20, one=10, noise=1)]
    assert audit([*runs, run("b", 0.2, 30, needs="labels")]) == []


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ((("a", 0.1, 20, {"one": 25}),), "one step succeeds in 50.0 %"),
        ((("a", 0.1, 20, {"noise": 20}),), "noise of the same size in 40.0 %"),
        ((("a", 0.2, 20, {}), ("a", 0.1, 30, {})), "less than the 60.0 %"),
        ((("a", 0.1, 20, {}), ("b", 0.1, 30, {"needs": "scores"})), "gradients may be masked"),
    ],
)
def test_what_is_not_in_order_is_doubted(
    runs: tuple[tuple[str, float, int, dict[str, object]], ...], said: str
) -> None:
    made = [run(name, eps, hits, **more) for name, eps, hits, more in runs]  # type: ignore[arg-type]  # as above
    doubts = audit(made)
    assert len(doubts) == 1
    assert said in doubts[0]


def test_a_white_box_of_one_step_behind_a_black_box_is_no_doubt_beside_a_better_one() -> None:
    weak, strong = run("one", 0.1, 10), run("many", 0.1, 40)
    black = run("black", 0.1, 20, needs="scores")
    assert audit([weak, strong, black]) == []
    assert len(audit([weak, black])) == 1
    assert audit([weak, run("black", 0.1, 13, needs="scores")]) == [], "3 images are chance"


def against(name: str, hits: range, needs: Needs, *, norm: str = "inf", noise: int = 0) -> Run:
    """Return a run at eps 0.1 that succeeds on these of 50 images."""
    made = run(name, 0.1, len(hits), needs=needs, noise=noise)
    met = tuple(k in hits for k in range(50))
    report = replace(made.found.report, met=met)
    return replace(made, found=replace(made.found, report=report, one_step=None), norm=norm)


def test_what_is_made_on_a_substitute_is_between_the_white_box_and_noise() -> None:
    """White box 40 of 50, transfer 20, noise 2; or one or two more by chance: no doubt."""
    white = against("pgd", range(40), "gradients", noise=2)
    assert audit([white, against("transfer", range(20), "labels", noise=2)]) == []
    lucky = against("transfer", range(5, 47), "labels", noise=2)
    assert lucky.success.share > white.success.share
    assert audit([white, lucky]) == [], "7 images against 5 are chance"


def test_a_white_box_that_a_substitute_beats_is_doubted_with_the_evidence() -> None:
    """Ten images against none: p = 2 / 2^10."""
    white = against("pgd", range(20), "gradients")
    (doubt,) = audit([white, against("transfer", range(30), "labels")])
    assert doubt.startswith("pgd, eps 0.1: succeeds in 40.0 % (20/50, ")
    assert "less than transfer, which was made without it, in 60.0 % (30/50, " in doubt
    assert "10 images fall to transfer alone, 0 to pgd alone (McNemar's p 0.002)" in doubt
    other = against("transfer", range(30), "labels", norm="2")
    assert audit([white, other]) == [], "of another norm they are not to be compared"
    better = against("iterative", range(29), "gradients")
    assert audit([white, better, against("transfer", range(30), "labels")]) == []


def test_a_transfer_that_noise_equals_is_doubted_once() -> None:
    (doubt,) = audit([against("transfer", range(6), "labels", noise=6)])
    assert "noise of the same size in 12.0 % (6/50, " in doubt
    assert doubt.endswith("what the substitute learnt is nothing the victim knows")
