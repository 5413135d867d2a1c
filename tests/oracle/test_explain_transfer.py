"""Shared errors of victims: exact where they are linear, in closed form."""

import pytest
import torch
from torch import Tensor

from physadv.core import Encoded, UserError, generator
from physadv.evaluation.explain import NOISE, Others, Shared, explain
from tests.victims import LinearVictim, cell_detector, closed_victim, linear_victim, small_victim

SIZE = (8, 8)
EPS = 4 / 255


def pair(name: str, weight: Tensor, bias: float) -> LinearVictim:
    """Return a victim of two classes whose margin of class 0 is weight · (image - grey) + bias."""
    made = LinearVictim(
        torch.stack([weight, torch.zeros_like(weight)]),
        torch.tensor([bias - 128 / 255 * float(weight.sum()), 0.0]),
    )
    made.name = name
    return made


def weights(seed: int) -> Tensor:
    return torch.randn(3, *SIZE, generator=generator(seed))


def greys(n: int = 120) -> Encoded:
    """Return images of 8 bits about grey, where [0,1] cuts nothing off."""
    drawn = torch.randint(108, 149, (n, 3, *SIZE), generator=generator(1))
    return Encoded(drawn / 255)


def shared(victim: LinearVictim, *others: LinearVictim) -> Shared:
    found = explain(victim, greys(), torch.zeros(120).long(), others=Others(others, EPS)).shared
    assert found is not None
    return found


def hits(found: Shared) -> list[list[int]]:
    return [[rate.hits if rate else -1 for rate in row] for row in found.matrix.success]


def test_what_transfers_is_the_inner_product_with_the_others_signs() -> None:
    """Made on w: x - eps sgn(w). Misread by v where its margin is below eps sgn(w) · v."""
    one = weights(2)
    mixed = 0.5 * one + 0.5 * weights(3)
    first, second = pair("first", one, 2.2), pair("second", mixed, 2.0)
    images = greys()
    with torch.no_grad():
        margins = [-torch.diff(victim(images).scores).flatten() for victim in (first, second)]
    looked_at = margins[0] > 0
    exact = [
        [
            int(((margin > 0) & looked_at & (margin < EPS * (made.sign() * read).sum())).sum())
            for read, margin in zip((one, mixed), margins, strict=True)
        ]
        for made in (one, mixed)
    ]
    found = shared(first, second)
    assert hits(found)[:2] == exact
    assert found.matrix.rows == ("first", "second", NOISE)
    assert 0 < exact[0][1] < exact[1][1], "the white box is the best, and something carries over"
    assert hits(found)[2][1] < exact[0][1], "random signs carry over least"


def test_a_copy_misreads_what_the_original_does() -> None:
    one = weights(2)
    found = hits(shared(pair("original", one, 2.2), pair("copy", one, 2.2)))
    assert found[0] == found[1]
    assert found[0][0] == found[0][1] > 10


def test_opposed_gradients_share_no_error() -> None:
    """Both read all as class 0; what lowers the margin of one raises that of the other."""
    one, far = weights(2), 2.2
    found = shared(pair("up", one, far), pair("down", -one, far))
    (up, to_down), (to_up, down), _ = hits(found)
    assert up > 10
    assert down > 10
    assert (to_down, to_up) == (0, 0)


def test_black_boxes_read_and_nothing_is_made_on_them() -> None:
    asked, closed = small_victim(), closed_victim()
    images = Encoded(torch.rand(4, 3, 12, 16, generator=generator(0)))
    with torch.no_grad():
        labels = asked(images).best
    shares = list[float]()
    found = explain(asked, images, labels, others=Others([closed], steps=3), watch=shares.append)
    assert found.shared is not None
    assert found.shared.matrix.rows == ("small", NOISE)
    assert found.shared.matrix.columns == ("small", "classifier")
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert found.facts()["transfer"]["images"] == 4
    assert "transfer" not in explain(asked, images, labels).facts()


def test_what_cannot_be_compared() -> None:
    victim = pair("one", weights(2), 2.2)
    images, labels = greys(2), torch.zeros(2).long()
    for others, said in (
        ([linear_victim(3, SIZE)], r"others: expected the 2 labels of one, .*, got linear with"),
        ([cell_detector()], "others: expected a classifier, got cells, a detector"),
        ([victim], "others: expected victims of different names, got one, one"),
        ([], "others: expected at least one victim, got none"),
    ):
        with pytest.raises(UserError, match=said):
            explain(victim, images, labels, others=Others(others))
    for eps in (0.0, 1.5, float("nan")):
        with pytest.raises(UserError, match="eps: expected a number above 0, up to 1"):
            Others([victim], eps)
    with pytest.raises(UserError, match="steps: expected at least 1"):
        Others([victim], steps=0)
