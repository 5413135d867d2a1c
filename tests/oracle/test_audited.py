"""The audit of defences, which are shown to it as nothing but callables.

Two classes of images of 8 x 8: a strong feature (half of the pixels, 0.12 to either side) and many
weak ones (0.01). What reads the weak ones falls to changes of 8/255, all of them; what reads the
strong one withstands them, all of them: both by closed form (margin against eps times the L1 norm).
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from physadv.attacks.digital import Rows, Watch
from physadv.attacks.digital.attack import UNKNOWN, ignore
from physadv.core import Answer, Encoded, UserError, generator
from physadv.defences import FeatureSqueezing
from physadv.evaluation import Audited, Pictures, Plan, audit_defence
from physadv.evaluation.ladder import Again, misread
from physadv.objectives import Objective
from physadv.victims import Victim, find_label

N, EPS = 30, 8 / 255
STRONG, WEAK = torch.zeros(3, 8, 8), torch.zeros(3, 8, 8)
STRONG[:, :, :4] = 1
WEAK[:, :, 4:] = torch.randint(2, (3, 8, 4), generator=generator(0)) * 2.0 - 1
PLAN = Plan(EPS, steps=10, restarts=2, averaged=4, queries=40)
Scores = Callable[[Tensor], Tensor]


def pictures() -> Pictures:
    labels = torch.arange(N) % 2
    side = (labels * 2.0 - 1)[:, None, None, None]
    noise = 0.004 * torch.randn(N, 3, 8, 8, generator=generator(1))
    images = 0.5 + side * (0.12 * STRONG + 0.01 * WEAK) + noise
    files = tuple(Path(f"{k}.png") for k in range(N))
    return Pictures(files, Encoded(images), labels, True)


def linear(weight: Tensor, gain: float = 3.0) -> Scores:
    def scores(images: Tensor) -> Tensor:
        side = gain * ((images - 0.5) * weight).flatten(1).sum(dim=1)
        return torch.stack([-side, side], dim=1)

    return scores


class Anonymous:
    """A callable as a victim, of which nothing else is told."""

    name, size_px, differentiable = "anonymous", (8, 8), True

    def __init__(self, scores: Scores, labels: tuple[str, ...] = ("0", "1")) -> None:
        self.scores, self.labels = scores, labels

    def __call__(self, images: Encoded) -> Answer:
        return Answer(self.scores(images))

    def label(self, name_or_index: str | int) -> int:
        return find_label(self.labels, name_or_index)


PLAIN = linear(WEAK)


def test_again_tries_only_what_does_not_succeed_yet() -> None:
    """Of 4 images two never fall; of the others one does in the first search, one in the third."""
    asked = []

    def search(
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Encoded:
        assert rows.labels is not None
        asked.append(rows.labels.tolist())
        made = images.clone()
        for k, first in enumerate(images[:, 0, 0, 0].tolist()):
            if first == 0.25 or (first == 0.375 and len(asked) == 3):
                made[k] = 1.0
        return Encoded(made)

    def bright(images: Tensor) -> Tensor:
        lit = images.flatten(1).amin(dim=1)
        return torch.stack([1 - lit, torch.zeros_like(lit), lit], dim=1)

    victim = Anonymous(bright, ("0", "1", "2"))
    levels = torch.tensor([0.0, 0.25, 0.375, 0.0])
    images = Encoded(levels[:, None, None, None].expand(4, 3, 8, 8).clone())
    rows = Rows(labels=torch.tensor([0, 0, 0, 0]))
    made = Again(search, 4)(victim, images, misread(victim), rows=rows, seed=0)
    assert [len(some) for some in asked] == [4, 3, 3, 2]
    assert made[:, 0, 0, 0].tolist() == [0.0, 1.0, 1.0, 0.0]


def averaged_over_noise(inner: Scores, std: float, times: int) -> Scores:
    calls = [0]

    def scores(images: Tensor) -> Tensor:
        calls[0] += 1
        rng = generator(calls[0])
        noisy = [images + std * torch.randn(images.shape, generator=rng) for _ in range(times)]
        return torch.stack([inner(one) for one in noisy]).mean(dim=0)

    return scores


def rounded(images: Tensor) -> Tensor:
    """Return the weak victim's scores for images of few values, without a slope."""
    return PLAIN((images * 255).round() / 255 + 0 * images)


def saturated(images: Tensor) -> Tensor:
    return 1e4 * PLAIN(images)


SOUND = {"strong": linear(STRONG), "averaged": averaged_over_noise(linear(STRONG), 0.02, 8)}
BROKEN = {
    "rounded": rounded,
    "saturated": saturated,
    "noisy": averaged_over_noise(PLAIN, 0.02, 1),
    "shifted": lambda images: PLAIN(images.roll(1, 0).roll(-1, 0)),
}


def audited(scores: Scores, *, undefended: bool = True) -> Audited:
    plain = Anonymous(PLAIN) if undefended else None
    return audit_defence(Anonymous(scores), pictures(), PLAN, undefended=plain, seed=0)


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound_is_not_flagged(name: str) -> None:
    found = audited(SOUND[name])
    assert (found.robust.hits, found.robust.n) == (N, N)
    assert found.doubts == ()
    assert found.verdict == "holds so far"
    assert found.gain is not None
    assert found.gain.difference == 1.0


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_flagged_with_the_evidence(name: str) -> None:
    found = audited(BROKEN[name])
    assert found.verdict == "broken"
    assert found.robust.hits <= 2
    if name in ("rounded", "saturated"):
        assert any("the slope of the cross-entropy is 0 on 100.0 %" in one for one in found.doubts)
    if name == "rounded":
        assert any("adaptive without a bound succeeds in" in one for one in found.doubts)
        assert any("gradients may be masked" in one for one in found.doubts)
        assert found.blind is not None
        assert found.blind.hits == 0, "images made on the victim undefended go through"


def test_a_detector_is_attacked_too() -> None:
    """A weak victim behind a detector: what knows the detector changes all, and is not rejected."""
    guarded = FeatureSqueezing(bits=5, side_px=1, threshold=0.4)(Anonymous(PLAIN))
    found = audit_defence(guarded, pictures(), PLAN, undefended=Anonymous(PLAIN))
    assert found.verdict == "broken"
    runs = {run.name: run for run in found.runs if run.eps == EPS}
    assert runs["adaptive"].success.share >= runs["iterated"].success.share


@pytest.mark.parametrize(("hard", "verdict"), [(8, "doubtful"), (40, "holds so far")])
def test_a_gain_that_hangs_on_not_being_known_is_doubted(hard: int, verdict: str) -> None:
    """All 60 images withstand attacks on other weak features; `hard` ones, which bear a mark, all.

    So 60 seem to be gained; 8 are more than chance (McNemar), and far less than a third.
    """
    own, other = WEAK.clone(), WEAK.clone()
    own[:, :, 6:], other[:, :, :6] = 0, 0
    labels = torch.arange(60) % 2
    images = 0.5 + (labels * 2.0 - 1)[:, None, None, None] * (0.12 * STRONG + 0.01 * WEAK)
    images[:, :, 0, 7] = torch.where(torch.arange(60) < hard, 0.9, 0.1)[:, None]
    own[:, 0, 7], other[:, 0, 7] = 0, 0
    strong, weak = linear(STRONG), linear(other)

    def scores(images: Tensor) -> Tensor:
        return torch.where(images[:, 0, 0, 7, None] > 0.5, strong(images), weak(images))

    shown = Pictures(tuple(Path(f"{k}.png") for k in range(60)), Encoded(images), labels, True)
    found = audit_defence(Anonymous(scores), shown, PLAN, undefended=Anonymous(linear(own)))
    assert found.robust.hits == hard
    assert found.blind is not None
    assert found.blind.hits == 60
    assert found.verdict == verdict
    told = (
        f"leave +100.0 points more than are left undefended, attacks that know it {hard / 0.6:+.1f}"
    )
    assert any(told in doubt for doubt in found.doubts) == (verdict == "doubtful")


def test_without_the_victim_undefended_doubts_alone_speak() -> None:
    assert audited(SOUND["strong"], undefended=False).verdict == "holds so far"
    found = audited(BROKEN["rounded"], undefended=False)
    assert (found.gain, found.plain, found.blind) == (None, None, None)
    assert found.verdict == "doubtful"


def test_a_black_box_is_only_asked() -> None:
    closed = Anonymous(lambda images: PLAIN(images).detach())
    closed.differentiable = False
    found = audit_defence(closed, pictures(), PLAN, undefended=Anonymous(PLAIN))
    assert {run.needs for run in found.runs} == {"scores", "labels", "nothing"}
    assert found.verdict == "broken"


def test_images_that_are_misread_are_lost_and_not_attacked() -> None:
    known = pictures()
    wrong = Pictures(known.files, known.images, known.labels.clone(), True)
    wrong.labels[:10] = 1 - wrong.labels[:10]
    found = audit_defence(Anonymous(linear(STRONG)), wrong, PLAN)
    assert (found.clean.hits, found.robust.hits, found.robust.n) == (20, 20, N)
    assert all(run.success.n == 20 for run in found.runs)


def test_the_same_seed_gives_the_same_verdict() -> None:
    one, other = (audited(SOUND["strong"]) for _ in range(2))
    assert [run.success for run in one.runs] == [run.success for run in other.runs]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Plan(eps=0.0), "eps: expected above 0, up to 1"),
        (lambda: Plan(steps=0), "steps: expected at least 1"),
        (lambda: Plan(queries=-1), "queries: expected 0 or more"),
    ],
)
def test_a_ladder_without_rungs_is_refused(make: Callable[[], Plan], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_labels_have_to_be_told() -> None:
    known = pictures()
    untold = Pictures(known.files, known.images, known.labels, False)
    with pytest.raises(UserError, match="images: expected labels that are known"):
        audit_defence(Anonymous(PLAIN), untold, PLAN)
