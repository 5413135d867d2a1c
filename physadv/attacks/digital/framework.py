"""A framework's attacks on our victims: what every plugin needs, but for how one is run."""

import inspect
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import (
    UNKNOWN,
    DigitalAttack,
    Rows,
    Step,
    Watch,
    ignore,
)
from physadv.core import Encoded, UserError, check
from physadv.core.check import one_of
from physadv.objectives import Objective, wants_labels
from physadv.victims import Victim, check_gradients


@dataclass(frozen=True, eq=False)
class Task:
    """One call of a framework's attack: images (B,C,H,W) in [0,1] and their labels (B,).

    `labels` say what images show or, if `targeted`, what they are to be read as; None where an
    untargeted attack was told nothing.
    """

    victim: Victim
    images: Encoded
    labels: Tensor | None
    targeted: bool


Run = Callable[[str, Mapping[str, Any], Task], Tensor]
"""Takes an attack's name, its settings and a task; returns images (B,C,H,W) in [0,1]."""


@dataclass(frozen=True)
class Framework:
    """A framework's attacks by name, as a `Plugin`: `run` alone knows how one is made and called.

    `classes` are those that can run, by name. Their constructors' arguments are settings, apart
    from the `filled` ones, which `run` gives itself; `more` are settings beside them, and `eps` is
    what the largest change is called. `abouts` says what each is. `black_box` names those that
    need no gradients, `unlabelled` says that untargeted ones need no labels, and
    `unfit` says of others why they cannot run.
    """

    name: str
    about: str
    classes: Mapping[str, Any]
    run: Run
    filled: tuple[str, ...] = ("model",)
    more: tuple[str, ...] = ()
    black_box: frozenset[str] = frozenset()
    unlabelled: bool = False
    eps: str = "eps"
    abouts: Mapping[str, About] = field(default_factory=dict)
    unfit: Mapping[str, str] = field(default_factory=dict)

    def attacks(self) -> Sequence[str]:
        """List the attacks that can run."""
        return sorted(self.classes)

    def attack(self, name: str, settings: Mapping[str, object]) -> DigitalAttack:
        """Return an attack with settings of its own; raises `UserError` for what there is not."""
        told = f"{self.name}:{name}"
        if name in self.unfit:
            raise UserError("attack", expected="one that can run", got=told, fix=self.unfit[name])
        one_of("attack", name, self.attacks())
        for key in settings:
            one_of(f"{told} --set", key, self.settings(name))
        return FrameworkAttack(self, name, dict(settings))

    def settings(self, name: str) -> list[str]:
        """List the settings that one of the attacks takes."""
        known = [*inspect.signature(self.classes[name]).parameters, *self.more]
        return [one for one in known if one not in self.filled]


@dataclass(frozen=True)
class FrameworkAttack:
    """An attack of a framework as a digital attack of ours."""

    framework: Framework
    name: str
    settings: dict[str, Any]

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Encoded:
        """Return what the attack makes of images (B,C,H,W); `UserError` for whatever it raises."""
        told = f"{self.framework.name}:{self.name}"
        task = self._task(victim, images, objective, rows)
        try:
            with global_chance(seed):
                found = self.framework.run(self.name, self.settings, task)
        except UserError:
            raise
        except Exception as error:  # frameworks raise whatever they like
            got = f"{type(error).__name__}: {error}"
            raise UserError("attack", expected=f"{told} to run", got=got) from error
        expected, came = f"images of shape {tuple(images.shape)}", tuple(found.shape)
        check(found.shape == images.shape, "attack", expected=expected, got=f"{came} from {told}")
        watch(Step(1.0, images, torch.zeros_like(images)))
        return Encoded(found.detach().to(images).clamp(0, 1))

    def _task(self, victim: Victim, images: Encoded, objective: Objective, rows: Rows) -> Task:
        """Return what is asked of the framework; raises `UserError` for what it does not know."""
        name, able = self.framework.name, sorted(self.framework.black_box)
        if self.name not in able:
            others = ", ".join(f"{name}:{one}" for one in able)
            fix = f"take one of {others}" if able else ""
            check_gradients(victim, fix, expected=f"gradients, which {name}:{self.name} needs")
        targeted = wants_labels(objective)
        if targeted is None:
            expected = f"as_labelled or untargeted, which {self.framework.about} knows"
            fix = "pgd and patch take any"
            raise UserError("objective", expected=expected, got="another", fix=fix)
        enough = rows.labels is not None or (self.framework.unlabelled and not targeted)
        check(enough, "labels", expected="one an image", got="nothing")
        return Task(victim, images, rows.labels, targeted)


@contextmanager
def global_chance(seed: int) -> Iterator[None]:
    """Seed the global generators, which frameworks draw from, and put them back.

    Those of torch on the CPU, of numpy and of Python; what has a generator of its own is not met.
    """
    before, plain = np.random.get_state(), random.getstate()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            yield
    finally:
        np.random.set_state(before)
        random.setstate(plain)
