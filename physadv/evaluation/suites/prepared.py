"""A suite with its images read and its victims identified: all that cells need, on any machine."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch

from physadv.core import Encoded, UserError, check, generator, quantise, spawn
from physadv.core.faults import told_together
from physadv.evaluation.pictures import Pictures, label_of, read_pictures
from physadv.evaluation.suites.parts import DefencePart, ImagesPart, VictimPart
from physadv.evaluation.suites.suite import Suite
from physadv.training.augment import as_annotated
from physadv.training.gtsrb_data import read_crops
from physadv.victims import Loaded, load_beside, read_labels


@dataclass(frozen=True, eq=False)
class Prepared:
    """A suite, the pictures that are attacked and fitted on, and digests, by victims' names.

    Pictures are of each victim's own size and classes; `able` are victims that have gradients.
    """

    suite: Suite
    pictures: dict[str, Pictures]
    fitted: dict[str, Pictures]
    digests: dict[str, tuple[str, ...]]
    able: frozenset[str]

    @cached_property
    def images(self) -> dict[str, str]:
        """The SHA-256 of the pictures and labels that each victim meets."""
        return {name: _digest((one, self.fitted[name])) for name, one in self.pictures.items()}


def _digest(every: Iterable[Pictures]) -> str:
    whole = hashlib.sha256()
    for one in every:
        whole.update((255 * one.images).round().byte().numpy().tobytes())
        whole.update(str(one.labels.tolist()).encode())
    return whole.hexdigest()


def prepare(suite: Suite) -> Prepared:
    """Read the images for each victim. Raises one `UserError` that tells all faults."""
    pictures, fitted = dict[str, Pictures](), dict[str, Pictures]()
    digests, able, faults = dict[str, tuple[str, ...]](), set[str](), list[UserError]()
    spare = suite.images.fitted if _fits(suite.defences.values()) else 0
    for name, part in suite.victims.items():
        try:
            known = victims_of(part)
            pictures[name], fitted[name] = _drawn(suite.images, known[0], spare)
        except UserError as error:
            faults.append(error.about(f"images for {name}, {error.argument}"))
            continue
        digests[name] = tuple(one.digest() for one in known)
        if known[0].differentiable:
            able.add(name)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise told_together("images", faults)
    return Prepared(suite, pictures, fitted, digests, frozenset(able))


@lru_cache(maxsize=16)
def _loaded(text: str) -> tuple[Loaded, ...]:
    part = VictimPart.model_validate_json(text)
    known = part.load()
    return (known,) if part.undefended is None else (known, load_beside(part.undefended, known))


def victims_of(part: VictimPart) -> tuple[Loaded, ...]:
    """Return a victim, and what it is compared with if that is another; loaded once a process."""
    return _loaded(part.model_dump_json())


def _fits(defences: Iterable[DefencePart]) -> bool:
    return any(one.false_alarms is not None for one in defences)


def _drawn(part: ImagesPart, victim: Loaded, spare: int) -> tuple[Pictures, Pictures]:
    """Return what is attacked, and what is fitted on, drawn from all without repeats."""
    whole = _read(part, victim)
    count, wanted = len(whole.labels), part.n + spare
    fix = "give a smaller n" + (", or a smaller images.fitted" if spare else "")
    least = f"at least {wanted} images ({part.n} to attack, {spare} to fit on)"
    check(count >= wanted, "n", expected=least, got=count, fix=fix)
    order = torch.randperm(count, generator=generator(spawn(part.seed, "images")))
    chosen = order[:wanted]
    return whole.take(chosen[: part.n].sort().values), whole.take(chosen[part.n :])


def _read(part: ImagesPart, victim: Loaded) -> Pictures:
    if part.data is not None:
        return _gtsrb(Path(part.data), victim)
    found = read_pictures(Path(part.path or ""), victim)
    fix = "name them in a table .csv with the columns file and label"
    check(found.told, "path", expected="labels that are known", got="none", fix=fix)
    return found


def _gtsrb(folder: Path, victim: Loaded) -> Pictures:
    """Return GTSRB's test part: signs at their annotated boxes, with a margin of a tenth."""
    crops = read_crops(folder, "test")
    names = read_labels(folder / "classes.csv")
    classes = [label_of(victim, name, "data") for name in names]
    images = Encoded(quantise(as_annotated(crops, victim.size_px).clamp(0, 1)))
    labels = torch.tensor(classes)[crops.classes]
    files = tuple(Path(f"{number:05d}.png") for number in range(len(crops)))
    return Pictures(files, images, labels, True)


def facts_of(prepared: Prepared) -> dict[str, Any]:
    """Return what a suite's results depend on beside the machine, as plain data."""
    return {
        "suite": prepared.suite.told(),
        "images": prepared.images,
        "victims": {name: list(digests) for name, digests in prepared.digests.items()},
    }
