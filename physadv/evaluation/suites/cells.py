"""The cells of a suite: which there are, and what the result of each depends on."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from physadv.attacks.digital.named import needs_of, norm_of
from physadv.evaluation.suites.parts import NONE, AttackPart
from physadv.evaluation.suites.prepared import Prepared

Kind = Literal["clean", "adaptive", "static", "certify"]
CLEAN: Kind = "clean"
ADAPTIVE: Kind = "adaptive"
STATIC: Kind = "static"
CERTIFY: Kind = "certify"
PACKAGES = ("physadv", "torch")
"""Software that a cell's result depends on; another version is another cell."""


@dataclass(frozen=True)
class Cell:
    """What is measured at once: nothing done, an attack through a defence or static, or a proof.

    `norm` is the one that `eps` is of, empty where it is not known.
    """

    kind: Kind
    victim: str
    defence: str
    attack: str = ""
    eps: str = ""
    norm: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        said = (self.kind, self.victim, self.defence, self.told)
        return " · ".join(part for part in said if part)

    @property
    def told(self) -> str:
        """The attack and its eps."""
        return f"{self.attack}, eps {self.eps}" if self.eps else self.attack

    @property
    def threat(self) -> str:
        """What its attack may do, in words."""
        norm = f"L{self.norm} " if self.norm else ""
        return f"{norm}{self.eps}" if self.eps else f"{self.attack}, no eps said"


def plan_cells(prepared: Prepared) -> Iterator[Cell]:
    """Yield the cells of a suite, victim by victim, defence by defence.

    Attacks that need gradients meet no victim without any; images are made static only where the
    victim undefended is another than the victim.
    """
    suite = prepared.suite
    for victim in suite.victims:
        for defence, part in suite.defences.items():
            yield Cell(CLEAN, victim, defence)
            if part.certify is not None:
                yield Cell(CERTIFY, victim, defence)
            other = part.name != NONE or len(prepared.digests[victim]) > 1
            for name, attack in suite.attacks.items():
                for eps in attack.eps or ("",):
                    yield from _attacked((victim, defence, name, eps), attack, prepared, other)


def _attacked(
    names: tuple[str, str, str, str], part: AttackPart, prepared: Prepared, other: bool
) -> Iterator[Cell]:
    made = part.make(names[3])
    if needs_of(part.name, made) == "gradients" and names[0] not in prepared.able:
        return
    norm = norm_of(part.name, made) or ""
    if part.adaptive:
        yield Cell(ADAPTIVE, *names, norm)
    if part.static and other:
        yield Cell(STATIC, *names, norm)


def content(prepared: Prepared, cell: Cell) -> dict[str, Any]:
    """Return all that the result of a cell depends on, as plain data."""
    suite = prepared.suite
    defence = suite.defences[cell.defence]
    found: dict[str, Any] = {
        "kind": cell.kind,
        "seed": suite.seed,
        "victim": suite.victims[cell.victim].model_dump(mode="json"),
        "digests": list(prepared.digests[cell.victim]),
        "images": prepared.images[cell.victim],
        "defence": defence.model_dump(mode="json", exclude={"certify"}),
        "files": _file_digests([suite.victims[cell.victim].spec, defence.name]),
        "versions": {name: version(name) for name in PACKAGES},
    }
    if cell.kind == CERTIFY:
        return found | {"certify": defence.model_dump(mode="json")["certify"]}
    if cell.kind == CLEAN:
        return found
    part = suite.attacks[cell.attack]
    known = part.model_dump(mode="json", include={"name", "set"})
    made: Any = getattr(part.make(cell.eps), "substitute", None)
    on = {} if made is None else {"substitute": getattr(made, "digest", lambda: made.name)()}
    return found | {
        "attack": {**known, "eps": cell.eps, **on},
        "batch": suite.batch,
        "averaged": suite.averaged,
    }


def digest(facts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def file_name(cell: Cell, facts: Mapping[str, Any]) -> str:
    """Return what a cell's files are called, without the ending; `facts` are its content."""
    words = re.sub(r"[^\w.=]+", "-", cell.name.replace("/", "of")).strip("-")
    return f"{words[:120]}-{digest(facts)[:12]}"


def _file_digests(specs: list[str]) -> list[str]:
    """Return the SHA-256 of the Python files that victims and defences are made in."""
    paths = [Path(one.rpartition(":")[0]) for one in specs if ".py:" in one]
    return [hashlib.sha256(one.read_bytes()).hexdigest() for one in paths if one.is_file()]
