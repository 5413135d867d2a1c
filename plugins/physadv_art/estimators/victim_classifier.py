"""A physadv victim as an ART classifier: resize and normalisation lie inside the module."""

from typing import Any, TypeVar

import torch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from physadv.victims import Asked, Classifier, Victim, load_victim
from physadv_art.estimators.as_found import as_found
from physadv_art.estimators.black_box import BlackBoxVictim
from physadv_art.frame import Frame, ends

Made = TypeVar("Made", bound=PyTorchClassifier)


class VictimModule(nn.Module):
    """A physadv `Classifier` as one module: range, channel order, its `Prepare`, network.

    Batches of another type are cast to that of its idle buffer, float32: some of ART's attacks
    turn images into float64 under numpy 2.
    """

    kind: Tensor

    def __init__(self, victim: Classifier, frame: Frame, *, probabilities: bool = False) -> None:
        """Hold the victim's own network, not a copy."""
        super().__init__()
        self.last = nn.Softmax(dim=1) if probabilities else nn.Identity()
        self.network, self.prepare, self.frame = victim.module, victim.prepare, frame
        self.register_buffer("kind", torch.zeros((), device=victim.device), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (B,K) for a batch in the frame's order and range."""
        images = self.frame.unit(x.to(self.kind.dtype))
        scores: Tensor = self.last(self.network(self.prepare(images)))
        return scores


class AnswerModule(nn.Module):
    """What answers for images in [0,1], as `Asked` does, behind range and channel order."""

    def __init__(self, asked: nn.Module, frame: Frame, *, probabilities: bool = False) -> None:
        """Hold the module."""
        super().__init__()
        self.asked, self.frame = asked, frame
        self.last = nn.Softmax(dim=1) if probabilities else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (B,K) for a batch in the frame's order and range."""
        scores: Tensor = self.last(self.asked(self.frame.unit(x)))
        return scores


class VictimClassifier(PyTorchClassifier):  # type: ignore[misc]  # ART has no types
    """An ART `PyTorchClassifier` that leaves its network as found; made by `from_victim`.

    After `predict`, gradients and losses the train or eval mode of each layer, the parameters'
    `requires_grad` and their `grad` are what they were. `fit` trains.
    """

    def predict(self, x: Any, batch_size: int = 128, **kwargs: Any) -> Any:
        """Return the scores (B,K) as ART does."""
        with as_found(self.model):
            return super().predict(x, batch_size=batch_size, **kwargs)

    def loss_gradient(self, x: Any, y: Any, training_mode: bool = False, **kwargs: Any) -> Any:
        """Return the gradient of the loss with respect to the raw input, of its shape."""
        with as_found(self.model):
            return super().loss_gradient(x, y, training_mode=training_mode, **kwargs)

    def class_gradient(self, x: Any, label: Any = None, **kwargs: Any) -> Any:
        """Return the gradients of scores with respect to the raw input, (B,K or 1,*shape)."""
        with as_found(self.model):
            return super().class_gradient(x, label=label, **kwargs)

    def compute_loss(self, x: Any, y: Any, reduction: str = "none", **kwargs: Any) -> Any:
        """Return the loss of each row, or as `reduction` says."""
        with as_found(self.model):
            return super().compute_loss(x, y, reduction=reduction, **kwargs)

    def get_activations(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return what a layer gives."""
        with as_found(self.model, learn=True):
            return super().get_activations(x, *args, **kwargs)


def from_victim(
    victim: Victim | str,
    *,
    clip_values: tuple[float, float] = (0.0, 1.0),
    channels_first: bool = True,
    input_px: tuple[int, int] | None = None,
    probabilities: bool = False,
    **kwargs: Any,
) -> VictimClassifier | BlackBoxVictim:
    """Return a physadv victim, or the one a spec names (`load_victim`), as an ART classifier.

    A `VictimClassifier` where the victim has gradients, else a `BlackBoxVictim`.
    `input_px` (height, width) of the images it will be given, by default the victim's own; with
    `probabilities` it answers with a softmax, which a few of ART's attacks ask for.
    `kwargs` go to `PyTorchClassifier`: loss (cross-entropy), optimizer (without one it cannot be
    fitted), preprocessing, defences, device_type; a black box takes preprocessing and defences.
    Raises `UserError` for others.
    """
    known: Any = load_victim(victim) if isinstance(victim, str) else victim
    frame = Frame(channels_first, *ends(clip_values))
    height, width = input_px or known.size_px
    shape = (3, height, width) if channels_first else (height, width, 3)
    if not known.differentiable:
        last = nn.Softmax(dim=1) if probabilities else nn.Identity()
        return BlackBoxVictim(known, frame, input_shape=shape, last=last, **kwargs)
    if isinstance(known, Classifier):
        module: nn.Module = VictimModule(known, frame, probabilities=probabilities)
    else:
        module = AnswerModule(Asked(known), frame, probabilities=probabilities)
    return VictimClassifier(
        model=module,
        input_shape=shape,
        nb_classes=len(known.labels),
        clip_values=clip_values,
        channels_first=channels_first,
        **defaults(module) | kwargs,
    )


def settings_of(classifier: Any) -> dict[str, Any]:
    """Return what a `PyTorchClassifier` is made with, but its module, to be as another one is.

    Preprocessing that the other's module has taken over already is left out.
    """
    shared = ("loss", "nb_classes", "optimizer", "channels_first", "clip_values", "device_type")
    told = {name: getattr(classifier, name) for name in shared}
    applied, own = classifier.preprocessing_operations, classifier.preprocessing
    defences = [one for one in classifier.preprocessing_defences or [] if one in applied]
    return told | {
        "input_shape": tuple(classifier.input_shape),
        "preprocessing": own if own in applied else None,
        "preprocessing_defences": defences or None,
        "postprocessing_defences": classifier.postprocessing_defences,
    }


def as_set(clone: Made, on: PyTorchClassifier) -> Made:
    """Return a clone with the preprocessing and the defences of another classifier."""
    shared = ("preprocessing", "preprocessing_defences", "postprocessing_defences")
    clone.set_params(**{name: getattr(on, name) for name in shared})
    return clone


def defaults(module: nn.Module) -> dict[str, Any]:
    """Return what a `PyTorchClassifier` of a module is made with unless it is told otherwise."""
    device = "gpu" if any(weight.is_cuda for weight in module.parameters()) else "cpu"
    return {"loss": nn.CrossEntropyLoss(), "device_type": device}
