"""The judge of anything counts what can be counted by hand."""

from collections.abc import Sequence

import pytest

from physadv.beyond import judge
from physadv.core import UserError, wilson


def odd(numbers: Sequence[int]) -> list[bool]:
    return [number % 2 == 1 for number in numbers]


def test_only_what_was_right_before_counts() -> None:
    truth = [True, True, False, True]
    found = judge(
        [1, 2, 4, 7],
        truth,
        odd,
        lambda items, _truth: [item + (item > 1) for item in items],
        control=lambda items, _made: [item + 2 for item in items],
    )
    assert found.kept == (0, 2, 3)
    assert found.left_out == 1
    assert found.made == (1, 5, 8)
    assert found.fooled == (False, True, True)
    assert found.success == wilson(2, 3)
    assert found.control == wilson(0, 3)
    assert found.right == wilson(3, 4)
    assert found.queries is None
    assert found.doubts == (f"the victim is right about only {wilson(3, 4)}",)


def test_a_control_that_succeeds_is_a_doubt() -> None:
    found = judge([1], [True], odd, lambda i, _: i, control=lambda i, _: [k + 1 for k in i])
    assert found.doubts == (f"the control succeeds in {wilson(1, 1)} too",)


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(UserError, match="items: expected an item that the victim reads right"):
        judge([2], [True], odd, lambda items, _: items)
    with pytest.raises(UserError, match="truth: expected an answer for each of the 1 items"):
        judge([2], [], odd, lambda items, _: items)
    with pytest.raises(UserError, match="attack: expected 1 items, got 0"):
        judge([1], [True], odd, lambda _items, _: [])
    with pytest.raises(UserError, match="ask: expected 1 answers, got 0"):
        judge([1], [True], lambda _: [], lambda items, _: items)
