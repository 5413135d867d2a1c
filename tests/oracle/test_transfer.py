"""The transfer matrix counts what it says, on victims whose answers are known."""

import pytest
import torch

from physadv.attacks.digital import PGD
from physadv.core import Encoded, UserError, generator
from physadv.evaluation import agreement, judge_transfer, transfer_matrix
from tests.victims import LinearVictim, closed_victim, linear_victim, small_victim

SIZE = (4, 4)


def named(name: str, weight: torch.Tensor, bias: torch.Tensor) -> LinearVictim:
    made = LinearVictim(weight, bias)
    made.name = name
    return made


def pictures(n: int) -> Encoded:
    return Encoded(0.2 + 0.6 * torch.rand(n, 3, *SIZE, generator=generator(0)))


def test_opposite_victims_are_helped_by_each_others_images() -> None:
    """Of two classes with weights (w, -w), what lowers one's margin raises the opposite's."""
    one = linear_victim(2, SIZE)
    same = named("twin", one.weight, one.bias)
    opposite = named("opposite", one.weight.flip(0), one.bias.flip(0))
    images = pictures(150)
    labels = one(images).best
    found = transfer_matrix([one], [one, same, opposite], PGD(eps=0.4, steps=3), images, labels)
    (row,) = found.success
    assert found.columns == ("linear", "twin", "opposite")
    assert [rate.hits for rate in found.read] == [150, 150, 0]
    assert row[0] is not None
    assert row[0] == row[1]
    assert row[0].share > 0.9
    assert row[2] is None, "of none that it reads right there is no share"
    lines = found.table().splitlines()
    assert lines[0] == "| made on | linear | twin | opposite |"
    assert lines[2].startswith("| read right before | 100.0 % (150/150, ")
    assert lines[3].endswith(" | - |")


def test_only_images_that_were_read_right_count() -> None:
    victim = named("by red", torch.zeros(2, 3, *SIZE), torch.tensor([0.0, -8.0]))
    victim.weight[1, 0] = 1.0  # class 1 where the red of the 16 pixels sums to more than 8
    red = torch.tensor([0.2, 0.2, 0.9, 0.9])
    images = Encoded(torch.zeros(4, 3, *SIZE))
    images[:, 0] = red[:, None, None]
    labels = torch.tensor([0, 1, 1, 1])  # the second is misread
    turned = Encoded(images.clone())
    turned[2, 0] = 0.1  # misread now
    turned[1, 0] = 0.9  # read right now
    found = judge_transfer({"turned": turned}, [victim], images, labels)
    rate = found.success[0][0]
    assert rate is not None
    assert (found.read[0].hits, found.n, rate.hits, rate.n) == (3, 4, 1, 3)


def test_what_is_judged_has_8_bits() -> None:
    victim = named("fine", torch.zeros(2, 3, *SIZE), torch.tensor([0.0, -0.5 * 16]))
    victim.weight[1, 0] = 1.0
    images = Encoded(torch.full((1, 3, *SIZE), 127 / 255))
    almost = Encoded(torch.full((1, 3, *SIZE), 127.8 / 255))  # rounds to 128
    barely = Encoded(torch.full((1, 3, *SIZE), 127.4 / 255))  # rounds to 127
    made = {"almost": almost, "barely": barely}
    found = judge_transfer(made, [victim], images, torch.tensor([0]))
    assert [rate.hits for (rate,) in found.success if rate] == [1, 0]


def test_agreement_is_the_share_of_equal_answers() -> None:
    one = linear_victim(2, SIZE)
    opposite = named("opposite", one.weight.flip(0), one.bias.flip(0))
    images = pictures(70)
    assert agreement(one, one, images).hits == 70
    assert agreement(one, opposite, images).hits == 0


def test_black_boxes_are_judged_and_not_made_on() -> None:
    images = Encoded(torch.rand(3, 3, 12, 16, generator=generator(0)))
    labels = small_victim()(images).best
    attack = PGD(eps=0.05, steps=2)
    found = transfer_matrix([small_victim()], [closed_victim()], attack, images, labels)
    assert found.rows == ("small",)
    with pytest.raises(UserError, match="a black box"):
        transfer_matrix([closed_victim()], [closed_victim()], attack, images, labels)


def test_names_that_are_the_same_and_other_labels_are_refused() -> None:
    victim, images, labels = linear_victim(2, SIZE), pictures(2), torch.tensor([0, 1])
    with pytest.raises(UserError, match="made_on: expected victims of different names"):
        transfer_matrix([victim, victim], [victim], PGD(steps=1), images, labels)
    other = linear_victim(3, SIZE)
    with pytest.raises(UserError, match="judged_on: expected the labels of linear"):
        judge_transfer({}, [victim, other], images, labels)
