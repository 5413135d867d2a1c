"""torchattacks: our attack as theirs."""

import pytest
import torch
from physadv_torchattacks import PGD
from torch import nn

from physadv.core import UserError
from tests.plugins.cast import CLASSES, blobs, victim


def network() -> nn.Module:
    known = victim()

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = known.module

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.net((images - 0.5) / 0.25)
            return scores

    return Whole().eval()


def test_images_and_labels_give_images() -> None:
    net, (images, labels) = network(), blobs(8, 2)
    made = PGD(net, 0.2, steps=10)(images, labels)
    assert made.shape == images.shape
    assert float((made - images).abs().max()) <= 0.2 + 1e-6
    assert int((net(made).argmax(dim=1) != labels).sum()) >= 6
    assert torch.equal(made, PGD(net, 0.2, steps=10)(images, labels))


def test_targets_and_normalised_images() -> None:
    net, (images, labels) = network(), blobs(8, 2)
    targets = (labels + 1) % CLASSES
    attack = PGD(net, 0.2, steps=10)
    attack.set_mode_targeted_by_label(quiet=True)
    made = attack(images, targets)
    assert int((net(made).argmax(dim=1) == targets).sum()) >= 6
    bare = victim().module.eval()
    inside = PGD(bare, 0.2, steps=10)
    inside.set_normalization_used([0.5] * 3, [0.25] * 3)
    normalised = inside((images - 0.5) / 0.25, labels)
    plain = PGD(net, 0.2, steps=10)(images, labels)
    assert torch.allclose(normalised * 0.25 + 0.5, plain, atol=1e-3)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(UserError, match="eps: expected a number from 0 on"):
        PGD(network(), -1.0)
    with pytest.raises(UserError, match="norm: expected inf, 2, 1 or 0"):
        PGD(network(), norm=3)
