"""Paired comparisons against the binomial sums by hand, and where rows of one scene agree."""

from math import comb

import pytest
import torch
from torch import Tensor

from benchmarks.paired import Paired, by_cluster, by_row, comparison


def rows(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.bool)


@pytest.mark.parametrize(("first", "second"), [(6, 0), (1, 5), (7, 3), (4, 4), (0, 1)])
def test_p_is_twice_the_smaller_tail_of_a_fair_coin(first: int, second: int) -> None:
    n, least = first + second, min(first, second)
    tail = sum(comb(n, k) for k in range(least + 1)) / 2**n
    assert Paired(first, second).p == pytest.approx(min(1, 2 * tail))


def test_pairs_that_agree_say_nothing() -> None:
    assert by_row(rows(1, 1, 0), rows(1, 1, 0)) == Paired(0, 0)
    assert Paired(0, 0).p == 1
    few, many = by_row(rows(1, 0, 1), rows(0, 1, 1)), [1, 0, *[1] * 99]
    assert few == by_row(rows(*many), rows(0, 1, *[1] * 99)) == Paired(1, 1)


def test_in_words() -> None:
    assert str(Paired(6, 0)) == "6 : 0, p = 0.031"
    assert str(Paired(6, 1)) == "6 : 1, p = 0.12"


def test_a_scene_counts_once_however_many_photos_show_it() -> None:
    """Scene 3: ahead by 3 to 1; scene 5: even; scene 8: behind; scene 9: agrees throughout."""
    scenes = torch.tensor([3, 3, 3, 3, 5, 5, 8, 9, 9])
    first = rows(1, 1, 1, 0, 1, 0, 0, 1, 0)
    second = rows(0, 0, 0, 1, 0, 1, 1, 1, 0)
    assert by_row(first, second) == Paired(4, 3)
    assert by_cluster(first, second, scenes) == Paired(1, 1)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    assert by_cluster(first[order], second[order], scenes[order]) == Paired(1, 1)
    assert comparison(first, second, scenes) == ("4 : 3, p = 1", "1 : 1, p = 1")


def test_as_many_rows_are_needed() -> None:
    with pytest.raises(ValueError, match=r"expected as many rows, got \(2,\), \(3,\)"):
        by_row(rows(1, 0), rows(1, 0, 0))
