"""How users name victims that other frameworks or other machines hold."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from physadv.core import UserError, check
from physadv.victims.by_name import UNTRAINED
from physadv.victims.classifier import Classifier
from physadv.victims.detector import Detector
from physadv.victims.labels import read_labels
from physadv.victims.onnx import onnx_classifier, prepare_onnx
from physadv.victims.prepare import Prepare
from physadv.victims.remote import Remote
from physadv.victims.timm import timm_classifier
from physadv.victims.torchvision import is_detector, torchvision_classifier, torchvision_detector

PREFIXES = ("torchvision", "timm", "http", "https")
"""What stands before the colon of victims that are no files."""


@dataclass(frozen=True)
class Given:
    """What a user says about a victim beside its name; None for what is left to the victim."""

    labels: Sequence[str] | Path | None
    size_px: int | tuple[int, int] | None
    mean: Sequence[float] | None
    std: Sequence[float] | None

    @property
    def names(self) -> tuple[str, ...] | None:
        """The labels, read from their file if they are in one; raises `UserError`."""
        return None if self.labels is None else read_labels(self.labels)

    def over(self, prepare: Prepare) -> Prepare:
        """Return `prepare` with what was given; a size given is stretched to."""
        values = {name: getattr(self, name) for name in ("mean", "std")}
        kept = {name: value for name, value in values.items() if value is not None}
        if self.size_px is None:
            return replace(prepare, **kept)
        return replace(prepare, size_px=self.size_px, fit="stretch", resize_px=None, **kept)

    def refuse(self, spec: str, *names: str) -> None:
        """Raise `UserError` for any of `names`, or anything, given to one that brings its own."""
        for name in names or ("labels", "size_px", "mean", "std"):
            value, fix = getattr(self, name), f"{spec} brings its own"
            check(value is None, name, expected="nothing", got=repr(value), fix=fix)


def is_address(spec: str) -> bool:
    """Whether a spec names a victim on another machine."""
    return spec.startswith(("http:", "https:"))


def foreign(spec: str, given: Given) -> Classifier | Detector | Remote | None:
    """Return the victim that a framework, an ONNX file or an address has, None for other specs."""
    if is_address(spec):
        return _remote(spec, given)
    scheme, colon, rest = spec.partition(":")
    if colon and scheme in ("torchvision", "timm"):
        name, _, file = rest.partition(":")
        victim = _by_name(scheme, name, Path(file) if file else None, given)
        if UNTRAINED in victim.note:
            victim.name += " (untrained)"
            warnings.warn(f"{spec} is {victim.note}", stacklevel=3)
        return victim
    if spec.endswith(".onnx"):
        return _onnx(spec, given)
    return None


def _by_name(framework: str, name: str, file: Path | None, given: Given) -> Classifier | Detector:
    if framework == "torchvision" and is_detector(name):
        given.refuse(f"torchvision:{name}", "mean", "std")
        return torchvision_detector(name, file=file, labels=given.names, size_px=given.size_px)
    make = torchvision_classifier if framework == "torchvision" else timm_classifier
    victim = make(name, file=file, labels=given.names)
    victim.prepare = given.over(victim.prepare)
    return victim


def _onnx(spec: str, given: Given) -> Classifier:
    ready = given.over(prepare_onnx(spec, given.size_px))
    return onnx_classifier(spec, given.names, ready)


def _remote(spec: str, given: Given) -> Remote:
    given.refuse(spec, "mean", "std")
    names = given.names
    if names is None:
        raise UserError("labels", expected="the server's classes, in order", got="nothing")
    if given.size_px is None:
        raise UserError("size_px", expected="the size of images to send", got="nothing")
    return Remote(spec, names, Prepare(given.size_px))
