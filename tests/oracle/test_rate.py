"""Intervals against published values, and the bootstrap against what it promises."""

import pytest
import torch
from hypothesis import given as over
from hypothesis import strategies as st

from physadv.core import Rate, clustered, generator, wilson

NEWCOMBE = {
    (81, 263): (0.2553, 0.3662),
    (15, 148): (0.0624, 0.1605),
    (0, 20): (0.0, 0.1611),
    (1, 29): (0.0061, 0.1718),
}
"""Method 3 of Newcombe, Statistics in Medicine 17 (1998), table I."""


@pytest.mark.parametrize("counts", NEWCOMBE, ids=str)
def test_wilson_s_interval_is_the_published_one(counts: tuple[int, int]) -> None:
    rate = wilson(*counts)
    assert (rate.low, rate.high) == pytest.approx(NEWCOMBE[counts], abs=6e-5)
    assert (rate.hits, rate.n) == counts


@over(st.integers(1, 500), st.data())
def test_wilson_s_interval_holds_the_share_and_mirrors(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    rate, other = wilson(hits, n), wilson(n - hits, n)
    assert 0 <= rate.low <= rate.share <= rate.high <= 1
    assert rate.low == pytest.approx(1 - other.high, abs=1e-12)


def test_it_is_said_as_people_write_it() -> None:
    assert str(Rate(466, 500, 0.907, 0.951)) == "93.2 % (466/500, 90.7-95.1)"


def test_one_row_a_cluster_is_nearly_wilson() -> None:
    success = torch.rand(400, generator=generator(0)) < 0.3
    rate = clustered(success, torch.arange(400), generator(1))
    plain = wilson(int(success.sum()), 400)
    assert rate.hits == plain.hits
    assert (rate.low, rate.high) == pytest.approx((plain.low, plain.high), abs=0.01)


def test_rows_that_repeat_a_photo_say_nothing_new() -> None:
    """Ten copies of each row: the interval stays as wide as of one, Wilson's would shrink."""
    success = torch.rand(60, generator=generator(2)) < 0.5
    once = clustered(success, torch.arange(60), generator(3))
    copies = clustered(success.repeat(10), torch.arange(60).repeat(10), generator(3))
    assert (copies.low, copies.high) == pytest.approx((once.low, once.high), abs=0.01)
    naive = wilson(copies.hits, copies.n)
    assert copies.high - copies.low > 2.5 * (naive.high - naive.low)


def test_the_bootstrap_covers_the_truth() -> None:
    """40 clusters of 1 to 8 rows, each with its own chance about 0.4: 95 % nominal."""
    held = 0
    for trial in range(200):
        rng = generator(trial)
        sizes = torch.randint(1, 9, (40,), generator=rng)
        chance = torch.rand(40, generator=rng) * 0.8
        cluster = torch.arange(40).repeat_interleave(sizes)
        success = torch.rand(len(cluster), generator=rng) < chance[cluster]
        rate = clustered(success, cluster, rng, draws=300)
        held += rate.low <= 0.4 <= rate.high
    assert 180 <= held <= 200


def test_cluster_names_do_not_matter() -> None:
    success = torch.rand(50, generator=generator(4)) < 0.5
    cluster = torch.arange(50) // 5
    one = clustered(success, cluster, generator(5))
    other = clustered(success, cluster * 1000 - 7, generator(5))
    assert one == other
