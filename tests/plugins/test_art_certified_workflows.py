"""Certified estimators in ART's workflows: fitted, set later, cloned, trained, attacked."""

from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import AdversarialPatchPyTorch, HopSkipJump, ProjectedGradientDescent
from art.defences.preprocessor import FeatureSqueezing, LabelSmoothing
from art.defences.trainer import AdversarialTrainer
from art.estimators.certification.randomized_smoothing import PyTorchRandomizedSmoothing
from physadv_art import (
    BoundedClassifier,
    PatchCertifiedClassifier,
    SmoothedClassifier,
    as_victim,
    from_victim,
)
from torch import Tensor, nn

from physadv.core import Encoded
from physadv.defences import DerandomizedSmoothing, RandomizedSmoothing
from tests.plugins.cast import SIDE, accuracy, data, estimator, one_hot, victim
from tests.plugins.test_art_certified import PATCHES, SIGMA, SMOOTHING

LOUD = RandomizedSmoothing(0.5, samples=40)
SOFT = RandomizedSmoothing(SIGMA, samples=40, soft=True)


def learner(**kwargs: Any) -> Any:
    known = victim()
    optimizer = torch.optim.Adam(known.module.parameters(), lr=0.01)
    return from_victim(known, optimizer=optimizer, **kwargs)


def shown_in(fit: Any, bare: Any) -> Tensor:
    """Return what a classifier's network is shown in training, in the units of its range."""
    seen = list[Tensor]()

    def watch(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        if module.training:
            seen.append(given[0].detach().clone())

    with bare.model.register_forward_pre_hook(watch):
        fit()
    return torch.stack(seen)


def test_a_fit_shows_new_noise_in_each_batch() -> None:
    bare = learner(clip_values=(0.0, 255.0))
    on, x = SmoothedClassifier(bare, SMOOTHING), np.full((16, 3, SIDE, SIDE), 127.5, np.float32)
    y = np.arange(16) % 4
    noise = shown_in(lambda: on.fit(x, y, batch_size=8, nb_epochs=3), bare) - 127.5
    assert noise.shape == (6, 8, 3, SIDE, SIDE)
    assert float(noise.std()) == pytest.approx(255 * SIGMA, rel=0.02)
    alike = np.corrcoef(noise.flatten(1).numpy()) - np.eye(6)
    assert np.abs(alike).max() < 0.05


def test_a_fit_shows_single_bands_and_pairs_of_masks() -> None:
    x, y = np.full((16, 3, SIDE, SIDE), 204.0, np.float32), np.arange(16) % 4
    for defence in PATCHES:
        bare = learner(clip_values=(0.0, 255.0))
        on = PatchCertifiedClassifier(bare, defence)
        seen = shown_in(lambda on=on: on.fit(x, y, batch_size=8, nb_epochs=3), bare).flatten(0, 1)
        kept = (seen - 204).abs() < 1e-3
        assert torch.allclose(seen[~kept], torch.tensor(127.5))
        drawn = {row.numpy().tobytes() for row in kept[:, 0]}
        if isinstance(defence, DerandomizedSmoothing):
            lines = torch.stack([torch.arange(SIDE).roll(-k) < 6 for k in range(SIDE)])
            ways = lines[:, None].expand(-1, SIDE, -1)
        else:
            keep = defence.mask_set((SIDE, SIDE))[:, 0]
            ways = (keep[:, None] & keep[None]).flatten(0, 1)
        assert drawn <= {row.numpy().tobytes() for row in ways}
        assert len(drawn) > 5


def test_defences_that_are_set_later_are_a_part_of_what_is_certified() -> None:
    bits = FeatureSqueezing(clip_values=(0, 1), bit_depth=2)
    bare, x = estimator(preprocessing_defences=[bits]), data(estimator(), 6)[0]
    images, known = Encoded(torch.from_numpy(x)), as_victim(bare)
    smoothed = SmoothedClassifier(estimator(), LOUD)
    before = smoothed.certify(x, 100)[1]
    smoothed.set_params(preprocessing_defences=[bits])
    wanted = LOUD.certify(known, images, select=40, estimate=100)
    assert np.allclose(smoothed.certify(x, 100)[1], wanted.radius.numpy(), atol=1e-6)
    assert not np.allclose(before, wanted.radius.numpy(), atol=1e-6)
    bands = PATCHES[0]
    patched = PatchCertifiedClassifier(estimator(), bands)
    patched.set_params(preprocessing_defences=[bits])
    assert patched.certify(x, 1)[1].tolist() == bands.certify(known, images, 1).certified.tolist()
    scores = bands(known)(images).scores
    assert torch.allclose(as_victim(patched)(images).scores, scores, atol=1e-5)
    assert torch.allclose(as_victim(SmoothedClassifier(bare, SOFT))(images).scores,
                          SOFT(known)(images).scores, atol=1e-5)  # fmt: skip


def test_labels_are_changed_for_fit_as_art_does() -> None:
    on, told = SmoothedClassifier(learner(), SMOOTHING), list[Tensor]()
    on.set_params(preprocessing_defences=[LabelSmoothing(max_value=0.7)])
    x, y = data(on, 8)
    with on.loss.register_forward_pre_hook(lambda _, given: told.append(given[1])):
        on.fit(x, one_hot(y), batch_size=8, nb_epochs=1)
    assert told[0].sort().values[0].tolist() == pytest.approx([0.1, 0.1, 0.1, 0.7])


def test_samples_and_scale_are_params_as_those_of_arts() -> None:
    assert set(PyTorchRandomizedSmoothing.estimator_params) == set(
        SmoothedClassifier.estimator_params
    )
    on = SmoothedClassifier(learner(clip_values=(0.0, 255.0)), SMOOTHING)
    on.set_params(sample_size=20, scale=51.0, alpha=0.01)
    assert on.defence == RandomizedSmoothing(0.2, samples=20)
    x, _ = data(on, 4)
    wanted = on.defence.certify(
        victim(), Encoded(on.frame.images(x)), select=20, estimate=100, alpha=0.01
    )
    assert np.allclose(on.certify(x, 100)[1], wanted.radius.numpy() * 255, atol=1e-4)
    bits = FeatureSqueezing(clip_values=(0, 255), bit_depth=4)
    on.set_params(preprocessing_defences=[bits])
    clone = on.clone_for_refitting()
    assert (clone.defence, clone.alpha) == (on.defence, 0.01)
    assert clone.preprocessing_defences == [bits]


@pytest.mark.parametrize("kind", ["smoothed", "banded", "masked", "bounded"])
def test_workflows_of_arts_take_them(kind: str) -> None:
    """An adversarial trainer trains them anew; a decision attack finds what they do not read."""
    made: dict[str, Any] = {
        "smoothed": lambda: SmoothedClassifier(learner(), RandomizedSmoothing(0.05, samples=20)),
        "banded": lambda: PatchCertifiedClassifier(learner(), PATCHES[0]),
        "masked": lambda: PatchCertifiedClassifier(learner(), PATCHES[1]),
        "bounded": lambda: BoundedClassifier(learner()),
    }
    on = made[kind]().clone_for_refitting()
    (x, y), (seen, labels) = data(on, 96), data(on, 24, seed=3)
    untrained = accuracy(on, seen, labels)
    pgd = ProjectedGradientDescent(on, eps=0.02, eps_step=0.02, max_iter=1, verbose=False)
    AdversarialTrainer(on, pgd, ratio=0.5).fit(x, one_hot(y), batch_size=8, nb_epochs=4)
    assert accuracy(on, seen, labels) > max(0.7, untrained)
    hop = HopSkipJump(on, max_iter=1, max_eval=10, init_eval=5, init_size=20, verbose=False)
    right = (on.predict(seen).argmax(axis=1) == labels) & (labels > 0)  # it is told 0 for none
    few, truth = seen[right][:2], labels[right][:2]
    attacked = hop.generate(few)
    assert (on.predict(attacked).argmax(axis=1) != truth).any()


def test_a_patch_of_arts_goes_through_the_noise() -> None:
    on = SmoothedClassifier(estimator(), SMOOTHING)
    x, y = data(on, 16)
    attack = AdversarialPatchPyTorch(
        on, patch_shape=(3, 8, 8), max_iter=10, learning_rate=0.5, batch_size=16,
        scale_min=0.7, scale_max=0.75, rotation_max=0, targeted=False, verbose=False,
    )  # fmt: skip
    attack.generate(x, one_hot(y))
    grey = attack.apply_patch(x, scale=0.7, patch_external=np.full((3, 8, 8), 0.5, np.float32))
    laid = attack.apply_patch(x, scale=0.7)
    assert accuracy(on, laid, y) < accuracy(on, grey, y) - 0.3
