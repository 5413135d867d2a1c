"""A classifier that is served tells what it reads, and is gone when that ends."""

import pytest
import torch

from physadv.core import Encoded, UserError, generator, quantise
from physadv.testing import served
from physadv.victims import Prepare, Remote, Wire
from tests.victims import linear_victim


def test_what_is_served_reads_as_the_victim_does_while_it_is_open() -> None:
    victim = linear_victim(classes=5, seed=2)
    images = Encoded(quantise(torch.rand(6, 3, 8, 8, generator=generator(0))))
    wire = Wire(reply="signs", answers="labels")
    with served(victim, reply="signs") as address:
        remote = Remote(address, victim.labels, Prepare(8), wire=wire)
        assert remote(images).best.tolist() == victim(images).best.tolist()
        assert remote.queries == 6
    with pytest.raises(UserError, match="victim: expected http"):
        Remote(address, victim.labels, Prepare(8), wire=wire)(images)
