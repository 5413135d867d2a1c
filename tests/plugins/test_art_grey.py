"""Grey images, as ART's fixtures have them, under cameras, codecs and attacks that know RGB."""

from typing import Any

import numpy as np
import pytest
import torch
from art.estimators.classification import PyTorchClassifier
from physadv_art import (
    PGD,
    CameraPreprocessor,
    CameraSmoothing,
    JpegDefence,
    PhysicalClassifier,
    PhysicalTrainer,
    SqueezeDetector,
    StickerPatch,
    as_victim,
    from_victim,
)
from physadv_art.frame import Array
from torch import Tensor, nn

from physadv.core import Encoded, UserError
from physadv.testing import check_victim
from tests.plugins.cast import CLASSES, SIDE, accuracy, blobs, data, grey_estimator, one_hot

SHARES = torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
"""Red, green and blue in luma, ITU-R BT.601."""


class Luma(nn.Module):
    """A network of grey images that is shown RGB."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.network((x * SHARES).sum(dim=1, keepdim=True))
        return scores


def in_colour(grey: PyTorchClassifier) -> PyTorchClassifier:
    """Return the same classifier for RGB images, whose luma it sees."""
    shape, loss = (3, SIDE, SIDE), nn.CrossEntropyLoss()
    net = Luma(grey.model)
    return PyTorchClassifier(net, loss, shape, CLASSES, clip_values=(0, 1), device_type="cpu")


def pictures(n: int = 6) -> tuple[Array, Array, Array]:
    """Return grey images, the same as RGB, and classes."""
    x, labels = data(grey_estimator(), n)
    return x, np.repeat(x, 3, axis=1), labels


def test_a_camera_takes_grey_as_rgb_and_gives_luma() -> None:
    on = grey_estimator()
    x, colour, labels = pictures()
    one, other = (PhysicalClassifier(c, "street", seed=3) for c in (on, in_colour(on)))
    assert np.allclose(one.predict(x), other.predict(colour), atol=1e-5)
    slope, wanted = (c.loss_gradient(i, one_hot(labels)) for c, i in ((one, x), (other, colour)))
    assert np.allclose(slope, wanted.sum(axis=1, keepdims=True), atol=1e-5)
    assert CameraSmoothing(on, "lab", samples=2)().predict(x).shape == (6, CLASSES)
    with pytest.raises(UserError, match="expected RGB or grey images, got"):
        two = PyTorchClassifier(
            nn.Flatten(), nn.CrossEntropyLoss(), (2, 8, 8), 128, clip_values=(0, 1)
        )
        PhysicalClassifier(two, "lab")


@pytest.mark.parametrize("channels_first", [True, False])
def test_preprocessors_keep_grey_grey(channels_first: bool) -> None:
    x, colour, _ = pictures()
    one, other = (CameraPreprocessor("street", (0.0, 1.0), samples=2, seed=1) for _ in range(2))
    luma = (other(colour)[0] * SHARES.numpy()).sum(axis=1, keepdims=True)
    assert np.allclose(one(x)[0], luma, atol=1e-5)
    given = x if channels_first else x.transpose(0, 2, 3, 1)
    jpeg = JpegDefence(30, channels_first=channels_first)(given)[0]
    assert jpeg.shape == given.shape
    luma = (JpegDefence(30)(colour)[0] * SHARES.numpy()).sum(axis=1)
    assert np.allclose(jpeg.squeeze(1 if channels_first else -1), luma, atol=1e-5)


def test_defences_of_grey_classifiers() -> None:
    on = grey_estimator(learns=True)
    x, _, labels = pictures(16)
    detector = SqueezeDetector(on)
    detector.fit(x)
    assert detector.detect(x)[1].shape == (16,)
    attack = PGD(on, max_iter=2, verbose=False)
    PhysicalTrainer(on, attack, "lab").fit(x, labels, batch_size=8, nb_epochs=1)
    assert on.predict(x).shape == (16, CLASSES)


def test_a_grey_estimator_is_a_victim_of_rgb_images() -> None:
    on = grey_estimator(clip_values=(0.0, 255.0), channels_first=False)
    victim = as_victim(on)
    check_victim(victim)
    images = blobs(4, 3)[0]
    images = (images * torch.tensor([1.0, 0.8, 0.6]).reshape(1, 3, 1, 1)).clamp(0, 1)
    luma = (images * SHARES).sum(dim=1)[..., None].numpy() * 255
    with torch.no_grad():
        found = victim(Encoded(images)).scores.numpy()
    assert np.allclose(found, on.predict(luma), atol=1e-4)
    back = from_victim(victim)
    assert np.allclose(back.predict(images.numpy()), found, atol=1e-4)


@pytest.mark.parametrize("kind", [PGD, StickerPatch])
def test_attacks_go_through_a_camera_of_grey_images(kind: Any) -> None:
    on = grey_estimator()
    x, _, labels = pictures(16)
    physical = PhysicalClassifier(on, "lab", samples=2)
    size = {"eps": 0.2} if kind is PGD else {"area_pct": 40.0}
    attacked = kind(physical, max_iter=10, verbose=False, **size).generate(x, labels)
    assert attacked.shape == x.shape
    assert accuracy(physical, attacked, labels) <= accuracy(physical, x, labels) - 0.25
    if kind is StickerPatch:
        inside = kind(on, max_iter=10, camera="lab", verbose=False, **size).generate(x, labels)
        assert accuracy(on, inside, labels) <= accuracy(on, x, labels) - 0.25
