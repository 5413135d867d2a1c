"""SafetyNet: a support vector machine on coarse codes of late activations tells attacked images.

Lu, Issaranon & Forsyth, "SafetyNet: Detecting and Rejecting Adversarial Examples Robustly", ICCV
2017: each activation of a late layer is quantised at a few thresholds; a support vector machine
with radial basis functions (RBF), taught with clean and attacked images, looks at the codes.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, UserError, check
from physadv.core.check import above_zero, near_names
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended, sized, straight_through, with_rejected
from physadv.generative.files import read_tensors, write_tensors
from physadv.victims import Victim

TENSORS = ("levels", "vectors", "weights")
NUMBERS = ("layer", "bias", "gamma", "softness", "threshold")
PARTS = 64


@dataclass(frozen=True, eq=False)
class SafetyNet:
    """Rejects what the machine's decision is above `threshold` for.

    The decision is sum_i weights_i exp(-gamma |code - vectors_i|^2) + bias; the code of an
    activation is the share of `levels` below it. The victim needs a torch module with that layer,
    and is asked twice. The slope goes straight through the steps: it is that of logistic functions
    whose width is `softness`. See `physadv.training.train_safety_net`.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("safety-net", "detector", "Lu et al. 2017")

    layer: str
    levels: Tensor
    vectors: Tensor
    weights: Tensor
    bias: float
    gamma: float
    softness: float = setting(0.1, "width of what the steps are taken for, in activations")
    threshold: float = setting(0.0, "the decision above which an image is rejected")

    def __post_init__(self) -> None:
        """Raise `UserError` for a machine that cannot be."""
        above_zero(self, "gamma", "softness")
        good = self.levels.ndim == 1 and len(self.levels) > 0
        check(good, "levels", expected="one row of numbers", got=tuple(self.levels.shape))
        fits = self.vectors.ndim == 2 and self.weights.shape == self.vectors.shape[:1]
        expected, got = "a weight a vector", (tuple(self.weights.shape), tuple(self.vectors.shape))
        check(fits, "weights", expected=expected, got=got)

    def __call__(self, victim: Victim) -> Defended:
        """Return a victim with the further class `rejected`.

        Raises `UserError` where it has no such layer, or the layer is of another size.
        """

        def told(scores: Tensor, images: Encoded, _: torch.Generator) -> Tensor:
            return with_rejected(scores, self.decision(victim, images) - self.threshold)

        made = Defended(victim, "SafetyNet", told=told, refuses=True)
        with torch.no_grad():
            width = self.vectors.shape[1]
            seen = activations(victim, self.layer, Encoded(torch.zeros(1, 3, *victim.size_px)))
        expected, got = f"a layer of {width} values, as was learnt", f"{seen.shape[1]}"
        check(seen.shape[1] == width, "layer", expected=expected, got=got)
        made.weights = self._digest()
        return made

    def decision(self, victim: Victim, images: Encoded) -> Tensor:
        """Return the machine's decisions (B,), above 0 for what looks attacked."""
        found = code(activations(victim, self.layer, images), self.levels, self.softness)
        return decide(found, self.vectors, self.weights, self.gamma) + self.bias

    @torch.no_grad()
    def fitted(self, victim: Victim, images: Encoded, false_alarms: float = 0.05) -> "SafetyNet":
        """Return one that rejects at most a share of these clean images (N,3,H,W)."""
        good = 0 < false_alarms < 1
        check(good, "false_alarms", expected="a share between 0 and 1", got=false_alarms)
        seen: Tensor = sized(images, victim.size_px)
        told = torch.cat([self.decision(victim, Encoded(part)) for part in seen.split(PARTS)])
        bound = told.double().quantile(1 - false_alarms, interpolation="higher")
        return replace(self, threshold=float(bound))

    def save(self, path: str | Path) -> None:
        """Write it as safetensors."""
        tensors = {name: getattr(self, name) for name in TENSORS}
        write_tensors(Path(path), tensors, {name: getattr(self, name) for name in NUMBERS})

    @classmethod
    def load(cls, path: str | Path) -> "SafetyNet":
        """Return what `save` wrote; raises `UserError` for another file."""
        expected = "a file that SafetyNet.save wrote"
        tensors, facts = read_tensors(Path(path), "safety net", expected)
        given: dict[str, Any] = {**tensors, **facts}
        try:
            return cls(**given)
        except TypeError as error:
            raise UserError("safety net", expected=expected, got=f"{path}, another") from error

    def _digest(self) -> str:
        whole = hashlib.sha256(repr([getattr(self, name) for name in NUMBERS]).encode())
        for name in TENSORS:
            whole.update(getattr(self, name).cpu().numpy().tobytes())
        return whole.hexdigest()


def activations(victim: Victim, layer: str, images: Encoded) -> Tensor:
    """Return what a named layer of the victim's module gives for images, flat, (B,D).

    Raises `UserError` where there is no module, no such layer, or it gives no tensor.
    """
    module = getattr(victim, "module", None)
    fix = "its layer is looked into"
    known = isinstance(module, nn.Module)
    check(known, "victim", expected="one made of a torch module", got=victim.name, fix=fix)
    assert isinstance(module, nn.Module)
    names = [name for name, _ in module.named_modules() if name]
    near = near_names(layer, names) if names else "none"
    check(layer in names, "layer", expected=f"a name of the module's, as {near}", got=repr(layer))
    seen: list[object] = []
    hook = module.get_submodule(layer).register_forward_hook(lambda *given: seen.append(given[2]))
    try:
        victim(images)
    finally:
        hook.remove()
    last = seen[-1] if seen else None
    good = isinstance(last, Tensor) and len(last) == len(images)
    check(good, "layer", expected="one that gives a row an image", got=type(last).__name__)
    assert isinstance(last, Tensor)
    return last.flatten(1).to(images.dtype)


def code(values: Tensor, levels: Tensor, softness: float) -> Tensor:
    """Return the shares (B,D) of levels (m,) below each value, with a logistic slope."""
    above = (values[..., None] - levels.to(values)) / softness
    return straight_through((above > 0).to(values), above.sigmoid()).mean(dim=-1)


def decide(codes: Tensor, vectors: Tensor, weights: Tensor, gamma: float) -> Tensor:
    """Return the sums (B,) of weights (n,) times exp(-gamma |code - vector|^2)."""
    vectors, weights = vectors.to(codes), weights.to(codes)
    squares = codes.square().sum(dim=1)[:, None] + vectors.square().sum(dim=1)
    apart = (squares - 2 * codes @ vectors.T).clamp_min(0)
    return torch.exp(-gamma * apart) @ weights
