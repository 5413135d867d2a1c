"""The linear view of a victim: exact where the victim is linear, in closed form."""

from math import sqrt

import pytest
import torch

from physadv.core import Answer, Encoded, UserError, generator
from physadv.evaluation.explain import (
    Slopes,
    by_dimension,
    decision_plane,
    error_curve,
    explain,
    linearity,
    log_slope,
    reach,
    read_slopes,
)
from physadv.evaluation.explain.explained import rank_correlation
from tests.victims import LinearVictim, cell_detector, closed_victim, linear_victim, small_victim

SIZE = (16, 16)
GRIDS = (1, 2, 4, 8, 16)


def victim(seed: int = 0) -> LinearVictim:
    """Return two classes of independent weights that are as likely for a grey image."""
    drawn = linear_victim(classes=2, size_px=SIZE, seed=seed)
    return LinearVictim(drawn.weight, -0.5 * drawn.weight.flatten(1).sum(dim=1))


def images(n: int = 12, spread: float = 0.05) -> Encoded:
    """Return images about grey, from which a direction has room."""
    drawn = torch.randn(n, 3, *SIZE, generator=generator(1))
    return Encoded((0.5 + spread * drawn).clamp(0, 1))


def known(n: int = 12) -> Slopes:
    asked, some = victim(), images(n)
    with torch.no_grad():
        return read_slopes(asked, some, asked(some).best)


def test_margins_and_gradients_are_those_in_closed_form() -> None:
    some = known()
    for row in range(len(some.labels)):
        own = int(some.labels[row])
        weight = victim().margin_gradient(own, 1 - own, SIZE)[0]
        assert torch.allclose(some.slopes[row], weight, atol=1e-6)
        bias = victim().bias[own] - victim().bias[1 - own]
        assert float(some.margins[row]) == pytest.approx(
            float((weight * some.images[row]).sum() + bias), abs=1e-4
        )


def test_a_linear_victim_falls_as_foreseen() -> None:
    found = linearity(victim(), known(), (0.01, 0.1, 0.5))  # at 0.5 [0,1] cuts half of it off
    assert torch.allclose(found.seen, found.foreseen, rtol=1e-3, atol=1e-3)
    assert torch.allclose(found.ratio, torch.ones(3, 3), atol=2e-3)


def test_a_bent_victim_does_not() -> None:
    class Bent(LinearVictim):
        def __call__(self, images: Encoded) -> Answer:
            scores = super().__call__(images).scores
            return Answer(scores.sign() * scores.abs().sqrt())

    bent = Bent(victim().weight, victim().bias)
    some = images()
    with torch.no_grad():
        labels = bent(some).best
    found = linearity(bent, read_slopes(bent, some, labels), (0.5,))
    assert float((found.ratio[0, 1] - 1).abs()) > 0.1


def test_the_fall_grows_with_the_values_that_are_changed() -> None:
    """Cells of b x b pixels of one sign: eps times the L1 norm of the cells' sums, exactly."""
    some, eps = known(), 0.02
    found = by_dimension(victim(), some, eps, GRIDS, seed=0)
    assert found.values.tolist() == [3 * n * n for n in GRIDS]
    assert torch.allclose(found.seen, found.foreseen, rtol=1e-3, atol=1e-4)
    for k, n in enumerate(GRIDS):
        cells = some.slopes.unfold(2, SIZE[0] // n, SIZE[0] // n)
        cells = cells.unfold(3, SIZE[1] // n, SIZE[1] // n).sum(dim=(-1, -2))
        exact = eps * cells.abs().flatten(1).sum(dim=1)
        assert torch.allclose(found.foreseen[k], exact, rtol=1e-4)
    medians = found.seen.quantile(0.5, dim=1)
    assert bool((medians[1:] > medians[:-1]).all())
    whole = found.random[-1] / (eps * some.slopes.flatten(1).norm(dim=1))
    assert 0.2 < float(whole.mean()) < 1.6  # |N(0,1)| has the mean 0.8
    assert float(found.seen[-1].mean() / found.random[-1].mean()) > 0.5 * sqrt(3 * 256)


def test_distances_are_those_to_the_plane() -> None:
    some = known(24)
    found = reach(victim(), some, directions=20, seed=0)
    size = some.slopes.flatten(1)
    assert torch.allclose(found.adversarial, some.margins / size.norm(dim=1), rtol=2e-3)
    assert torch.allclose(found.signed, some.margins / size.abs().sum(dim=1), rtol=2e-3)
    assert torch.allclose(found.foreseen, some.margins / size.abs().sum(dim=1), rtol=1e-4)
    # the cosine to a plane's normal is nearly normal with variance 1/d; the median of its |.| is
    # 0.6745 / sqrt(d)
    assert found.ratio == pytest.approx(sqrt(3 * 256) / 0.6745, rel=0.12)


def test_what_has_no_boundary_is_infinitely_far() -> None:
    class Steady(LinearVictim):
        def __call__(self, images: Encoded) -> Answer:
            total = images.flatten(1).sum(dim=1)
            return Answer(torch.stack([total * 0 + 1 + 1e-9 * total, total * 0], dim=1))

    steady, some = Steady(victim().weight, victim().bias), images(3)
    labels = torch.zeros(3, dtype=torch.long)
    found = reach(steady, read_slopes(steady, some, labels), directions=1, seed=0)
    assert bool(found.random.isinf().all())
    assert found.ratio is None


def test_errors_are_the_share_of_margins_below_the_step() -> None:
    """Grey images, where [0,1] clamps nothing: misread where the margin is below eps |w|_1."""
    asked = victim()
    grey = images(300)
    with torch.no_grad():
        labels = asked(grey).best
    some = read_slopes(asked, grey, labels)
    eps = tuple(0.0002 * 1.6**k for k in range(9))
    found = error_curve(asked, some, eps, seed=0)
    seen = torch.tensor([one.share for one in found.seen])
    assert torch.allclose(seen, found.foreseen, atol=1 / 300 + 1e-6)
    assert bool((seen[1:] >= seen[:-1]).all())
    assert found.power is not None
    power, low, high = found.power
    assert low <= 1 <= high  # a density of margins that does not vanish at zero
    assert low <= power <= high


def test_a_power_law_s_slope() -> None:
    x = torch.tensor([0.1, 0.3, 1.0, 4.0])
    assert log_slope(x, 3 * x**1.7) == pytest.approx(1.7, abs=1e-6)


def test_the_slice_has_the_boundary_where_it_is() -> None:
    some = known()
    eps = float(some.margins[0] / some.slopes[0].abs().sum())
    found = decision_plane(victim(), some, 0, span=2 * eps, n=21)
    own = found.label  # columns are 0.2 eps apart, and the 15th is on the boundary itself
    assert bool((found.classes[:, :15] == own).all())
    assert bool((found.classes[:, 16:] == 1 - own).all())


def test_rank_correlation_is_spearman_s() -> None:
    first = torch.tensor([1.0, 2.0, 2.0, 5.0, torch.inf])
    second = torch.tensor([10.0, 20.0, 15.0, 99.0, 0.0])
    # ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: Pearson's of these is 4.5 / sqrt(4.5 * 5)
    assert rank_correlation(first, second) == pytest.approx(4.5 / sqrt(22.5))
    assert rank_correlation(first[:2], second[:2]) is None
    assert rank_correlation(torch.ones(4), second[:4]) is None


def test_it_is_repeated_by_its_seed_and_says_what_was_left_out() -> None:
    asked = small_victim()
    some = Encoded(torch.rand(6, 3, 12, 16, generator=generator(0)))
    with torch.no_grad():
        labels = asked(some).best
    labels[0] = (labels[0] + 1) % 5
    shares: list[float] = []
    first = explain(asked, some, labels, seed=3, watch=shares.append).facts()
    assert first == explain(asked, some, labels, seed=3).facts()
    assert first != explain(asked, some, labels, seed=4).facts()
    assert first["images"] == {"given": 6, "read correctly": 5}
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_what_it_cannot_look_at() -> None:
    some, labels = Encoded(torch.rand(2, 3, 12, 16, generator=generator(0))), torch.zeros(2).long()
    with pytest.raises(UserError, match=r"a classifier with gradients, got .*a black box"):
        explain(closed_victim(), some, labels)
    with pytest.raises(UserError, match="expected a classifier, got cells, a detector"):
        explain(cell_detector(), Encoded(torch.rand(2, 3, 32, 48)), labels)
    asked = small_victim()
    with torch.no_grad():
        wrong = (asked(some).best + 1) % 5
    with pytest.raises(UserError, match="an image that is read as its label, got 2 that are not"):
        explain(asked, some, wrong)
    with pytest.raises(UserError, match=r"labels: expected shape \(2,\), got \(3,\)"):
        explain(asked, some, torch.zeros(3).long())
