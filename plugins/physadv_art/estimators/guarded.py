"""The network of an ART classifier within a defence that certifies, as one module."""

from typing import Any

from torch import Tensor, nn

from physadv.core import Answer, Encoded, check, generator, spawn
from physadv.defences import DerandomizedSmoothing, PatchCleanser, RandomizedSmoothing
from physadv.victims import find_label
from physadv.victims.frozen import frozen
from physadv.victims.labels import numbered
from physadv_art.answers import size_of
from physadv_art.estimators.victim_classifier import AnswerModule, settings_of
from physadv_art.frame import frame_of
from physadv_art.graph import model_scores
from physadv_art.learner import Learner

Certifying = RandomizedSmoothing | DerandomizedSmoothing | PatchCleanser


class Within:
    """The network, behind its preprocessing, as the victim that a defence asks."""

    differentiable, queries = True, 0

    def __init__(self, classifier: Any, learner: Learner) -> None:
        """Hold the network itself, not a copy."""
        self.learner, self.name = learner, type(classifier).__name__
        self.labels = numbered(classifier.nb_classes)
        self.size_px = size_of(classifier.input_shape, learner.frame.channels_first)

    def __call__(self, images: Encoded) -> Answer:
        """Answer for images in [0,1]; gradients reach them, never the weights."""
        like = next(self.learner.parameters(), images)
        with frozen(self.learner):
            return Answer(self.learner(images.to(like)).to(images))

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label or index, or raise `UserError`."""
        return find_label(self.labels, name_or_index)


class Guarded(nn.Module):
    """The network behind a defence; in training on what the defence would show it, one of each.

    Preprocessing comes after the noise, bands or masks: it is a part of what is certified.
    """

    def __init__(self, classifier: Any, defence: Certifying) -> None:
        """Hold the network itself, not a copy; until `train()` it answers through the defence."""
        super().__init__()
        self.learner = Learner(classifier)
        self.within, self.defence = Within(classifier, self.learner), defence
        self.calls, self.lessons, self.training = 0, 0, False

    def forward(self, images: Tensor) -> Tensor:
        """Return scores (B,K) for images (B,C,h,w) in [0,1]."""
        like = next(self.learner.parameters(), images)
        if self.training:
            return self._taught(images.to(like.dtype))
        if images.requires_grad:
            images.register_hook(Tensor.contiguous)  # frameworks flatten slopes with view
        defended = self.defence(self.within)
        defended.calls = self.calls  # which keys the noise
        self.calls += 1
        return defended(Encoded(images.to(like.dtype))).scores

    def _taught(self, images: Tensor) -> Tensor:
        learner = self.learner
        rng = generator(spawn(getattr(self.defence, "seed", 0), "fit", self.lessons))
        self.lessons += 1
        operations = [one for one in learner.operations if one.apply_fit]
        shown = learner.frame.back(self.defence.shown(images, rng))
        return model_scores(learner.network, operations, shown)


def guarded(classifier: Any, defence: Any, kinds: tuple[type, ...]) -> dict[str, Any]:
    """Return what a `VictimClassifier` is made with that is another one within a defence.

    Raises `UserError` for a defence of another kind.
    """
    expected = " or ".join(kind.__name__ for kind in kinds)
    got = getattr(defence, "__name__", type(defence).__name__)
    check(isinstance(defence, kinds), "defence", expected=expected, got=got)
    module = AnswerModule(Guarded(classifier, defence), frame_of(classifier))
    return {"model": module, **settings_of(classifier)}


def take_over(on: Any) -> None:
    """Move what is applied at predict time into the module, behind noise, bands and masks.

    What changes images for `fit` alone, and labels, stays before them, where ART applies it.
    """
    every = list(on.preprocessing_operations)
    on.model.asked.learner.operations = [one for one in every if one.apply_predict]
    on.preprocessing_operations = [one for one in every if not one.apply_predict]
