"""Paired answers: McNemar's exact test against the binomial, the interval against its parts."""

from math import comb

import pytest
import torch

from physadv.core import generator, mcnemar, paired, wilson


@pytest.mark.parametrize(
    ("only", "other", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (10, 2, 0.03857421875), (6, 6, 1.0)],
)
def test_mcnemar_is_the_two_sided_binomial_test(only: int, other: int, p: float) -> None:
    assert mcnemar(only, other) == pytest.approx(p)
    assert mcnemar(only, other) == mcnemar(other, only)


def test_mcnemar_holds_its_level() -> None:
    """A fair coin over 20 discordant rows is called unfair in at most 5 %, and not much less."""
    called = sum(comb(20, k) for k in range(21) if mcnemar(k, 20 - k) <= 0.05) / 2**20
    assert 0.03 < called <= 0.05


def test_the_difference_is_that_of_the_shares() -> None:
    one = torch.tensor([True, True, False, True, False])
    other = torch.tensor([False, True, True, False, False])
    found = paired(one, other, torch.arange(5), generator(0))
    assert (found.only, found.other, found.n) == (2, 1, 5)
    assert found.difference == pytest.approx(3 / 5 - 2 / 5)
    assert found.low <= found.difference <= found.high
    assert str(found).startswith("+20.0 (")


def test_rows_of_a_cluster_widen_the_interval() -> None:
    rng = generator(1)
    per_cluster = torch.rand(12, generator=rng) < 0.5
    one, other = per_cluster.repeat_interleave(10), torch.zeros(120, dtype=torch.bool)
    alone = paired(one, other, torch.arange(120), generator(2))
    together = paired(one, other, torch.arange(12).repeat_interleave(10), generator(2))
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """30 clusters of 2 like rows: a difference of 0.3 lies in the interval in about 95 %."""
    rng, inside = generator(3), 0
    for _ in range(200):
        draws = torch.rand(30, generator=rng)
        one, other = draws < 0.5, (draws > 0.5) & (draws < 0.7)
        pair = [side.repeat_interleave(2) for side in (one, other)]
        found = paired(pair[0], pair[1], torch.arange(30).repeat_interleave(2), rng, draws=400)
        inside += found.low <= 0.3 <= found.high
    assert inside >= 176  # 88 %, which 200 draws at 92 % or more miss less than once in 20 times


def test_rows_that_all_agree_leave_room_for_what_was_not_seen() -> None:
    yes, no = torch.ones(12) > 0, torch.zeros(12) > 0
    groups, least = torch.arange(4).repeat(3), wilson(4, 4).low
    ends = {
        (1, 0): (least, 1.0),
        (0, 1): (-1.0, -least),
        (1, 1): (least - 1, 1 - least),
    }
    for (one, other), (low, high) in ends.items():
        found = paired(yes if one else no, yes if other else no, groups, generator(0))
        assert (found.low, found.high) == pytest.approx((low, high))
