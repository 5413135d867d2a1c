"""The tables of a suite: images, victims, defences, attacks, each checked as it is read."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from physadv.attacks.digital import DigitalAttack
from physadv.attacks.digital.named import eps_name, find_attack
from physadv.core import UserError, check
from physadv.core.faults import FaultsError
from physadv.core.part import Chance, Count, Part, Positive
from physadv.defences import (
    Defence,
    DerandomizedSmoothing,
    FeatureSqueezing,
    PatchCleanser,
    RandomizedSmoothing,
)
from physadv.defences.named import find_defence
from physadv.victims import Loaded, detects, load_beside, load_victim

NONE = "none"
"""What a victim without a defence is called."""
Settings = dict[str, Any]
Certifying = RandomizedSmoothing | DerandomizedSmoothing | PatchCleanser


class ImagesPart(Part):
    """The images: `path` as `physadv attack --images` has it, with labels, or `data`, GTSRB.

    `n` of them, drawn with `seed`, are attacked; on `fitted` others thresholds are found.
    """

    path: str | None = None
    data: str | None = None
    n: Count = 100
    fitted: Count = 100
    seed: int = 0

    @model_validator(mode="after")
    def _found(self) -> "ImagesPart":
        given = [one for one in (self.path, self.data) if one is not None]
        expected, got = "either a path to images or data, a GTSRB folder", f"{len(given)} of both"
        fix = "--images TABLE or --data DIR gives them"
        check(len(given) == 1, "path", expected=expected, got=got, fix=fix)
        argument = "path" if self.path is not None else "data"
        there = Path(given[0]).exists()
        check(there, argument, expected="a file or folder", got=f"{given[0]}, which is not there")
        return self


class VictimPart(Part):
    """A victim as `--victim` has it; one hardened by training is compared with `undefended`.

    That has its labels, and is what static images are made on and answers are timed beside.
    """

    spec: str = ""
    labels: str | None = None
    size_px: int | None = Field(default=None, ge=1, description="whole pixels, at least 1")
    undefended: str | None = None

    def load(self) -> Loaded:
        """Return the victim. Raises `UserError` for what does not load, and for a detector."""
        file = None if self.labels is None else Path(self.labels)
        found = load_victim(self.spec, labels=file, size_px=self.size_px)
        got = f"{self.spec}, a detector"
        check(not detects(found), "spec", expected="a classifier", got=got)
        return found

    @model_validator(mode="after")
    def _loads(self) -> "VictimPart":
        key = "spec"
        try:
            found = self.load()
            key = "undefended"
            if self.undefended is not None:
                beside = load_beside(self.undefended, found)
                expected, got = "a victim with the same labels", f"{beside.name} with others"
                check(beside.labels == found.labels, key, expected=expected, got=got)
        except UserError as error:
            own = error.argument if error.argument in ("labels", "size_px") else key
            raise FaultsError([error.about(own)]) from error
        return self


class CertifyPart(Part):
    """What is certified: `radii` in the norm 2 of randomized smoothing, or sides of patches.

    PatchCleanser's patch is its own setting. `select` and `estimate` are the noisy copies that
    choose a class and bound its probability.
    """

    radii: tuple[Positive, ...] = ()
    patch_px: tuple[Count, ...] = ()
    select: Count = 100
    estimate: Count = 1000
    alpha: Chance = 0.001


class DefencePart(Part):
    """A defence as `--defence` has it, or none; `set` are its settings.

    `false_alarms` is the share of clean images above the threshold that a detector is fitted with.
    """

    name: str = ""
    set: Settings = Field(default={})
    false_alarms: Chance | None = None
    certify: CertifyPart | None = None

    def make(self) -> Defence | None:
        """Return the defence, None for none. Raises `UserError` for what there is not."""
        return self._of(self.set)

    def _of(self, settings: Settings) -> Defence | None:
        if self.name == NONE:
            check(not settings, "set", expected="no setting of none", got=", ".join(settings))
            return None
        return find_defence(self.name, settings)

    @model_validator(mode="after")
    def _made(self) -> "DefencePart":
        faults = _unmade(self._of, self.set)
        if faults:
            raise FaultsError(faults)
        made = self.make()
        if self.false_alarms is not None and not isinstance(made, FeatureSqueezing):
            fix, expected = "leave it out", "a detector that is fitted: feature-squeezing"
            faults.append(UserError("false_alarms", expected=expected, got=self.name, fix=fix))
        if self.certify is not None:
            faults += _uncertified(self.name, made, self.certify)
        if faults:
            raise FaultsError(faults)
        return self


class AttackPart(Part):
    """An attack as `--attack` has it, with each `eps`, or its own; `set` are its settings.

    It goes through defences, unless not `adaptive`; `static` images are also made on the victim
    undefended and shown to the defended one.
    """

    name: str = ""
    eps: tuple[str, ...] = Field(default=(), description='a list of sizes such as ["8/255"]')
    set: Settings = Field(default={})
    adaptive: bool = True
    static: bool = False

    def make(self, eps: str = "") -> DigitalAttack:
        """Return the attack with an eps, its own if empty. Raises `UserError`."""
        return self._of(eps, self.set)

    def _of(self, eps: str, settings: Settings) -> DigitalAttack:
        word = eps_name(self.name) or "eps"
        return find_attack(self.name, settings | ({word: eps} if eps else {}))

    @model_validator(mode="after")
    def _made(self) -> "AttackPart":
        try:
            able = eps_name(self.name) is not None
        except UserError as error:
            raise FaultsError([_of_entry(error, {})]) from error
        faults = list[UserError]()
        if self.eps and not able:
            got = f"{self.name}, which takes none"
            faults.append(UserError("eps", expected="an attack that takes one", got=got))
        if self.eps and "eps" in self.set:
            faults.append(UserError("eps", expected="eps or set.eps", got="both"))
        sizes = self.eps if self.eps and not faults else ("",)
        every = [_unmade(partial(self._of, eps), self.set) for eps in sizes]
        faults += {str(fault): fault for each in every for fault in each}.values()
        if not (self.adaptive or self.static):
            faults.append(UserError("adaptive", expected="true, or static = true", got="neither"))
        if faults:
            raise FaultsError(faults)
        return self


def _unmade(make: Callable[[Settings], object], settings: Settings) -> list[UserError]:
    """Return all that is wrong with settings: each that is refused is left out, then the next."""
    left, faults = dict(settings), list[UserError]()
    while True:
        try:
            make(left)
        except UserError as error:
            faults.append(_of_entry(error, left))
            if left.pop(_culprit(error, left), None) is None:
                return faults
        else:
            return faults


def _of_entry(error: UserError, settings: Settings) -> UserError:
    """Return an error of an attack or a defence, about the key of its table."""
    key = _culprit(error, settings)
    if key:
        return error.about(f"set.{key}")
    return error.about("name" if error.argument in ("attack", "defence") else error.argument)


def _culprit(error: UserError, settings: Settings) -> str:
    """Return the setting that an error is about, by its name or, unknown, as what was given."""
    unknown = error.argument.endswith("--set")
    fits = [
        key for key in settings if error.argument == key or (unknown and error.got == repr(key))
    ]
    return fits[0] if fits else ""


def _uncertified(name: str, made: object, part: CertifyPart) -> list[UserError]:
    """Return what is wrong with what is to be certified of a defence."""
    if not isinstance(made, Certifying):
        expected = "randomized-smoothing, derandomized-smoothing or patch-cleanser"
        return [UserError("certify", expected=expected, got=name, fix="leave it out")]
    faults = list[UserError]()
    for key, kind in (("radii", RandomizedSmoothing), ("patch_px", DerandomizedSmoothing)):
        given, own = bool(getattr(part, key)), isinstance(made, kind)
        if given != own:
            expected = "at least one" if own else f"none, {name} has no use for them"
            got = ", ".join(map(str, getattr(part, key))) or "none"
            faults.append(UserError(f"certify.{key}", expected=expected, got=got))
    return faults
