"""A search that was stopped: how it is saved in its folder, read again, and compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from physadv.core import UserError, check
from physadv.core.whole import write_whole
from physadv.design import Design, design_text, parse_design
from physadv.output.folder import CARD, STATE, writing
from physadv.victims import Loaded


@dataclass(frozen=True, eq=False)
class Saved:
    """A search that was stopped: its design, the digest of its victim, its state's tensors.

    There are no tensors where only a smaller result of a curve had been begun.
    """

    design: Design
    victim: str
    tensors: Mapping[str, Tensor]


def save_state(path: Path, saved: Saved) -> None:
    """Save where a search stands, so that `--resume` goes on from there."""
    flat = {name: value.contiguous() for name, value in saved.tensors.items()}
    content = save(flat, {"design": design_text(saved.design), "victim": saved.victim})
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        write_whole(path / STATE, content)


def load_state(path: Path) -> Saved:
    """Read a saved search. Raises `UserError` where there is none, or it is damaged."""
    file = path / STATE
    if not file.is_file():
        done = (path / CARD).is_file()
        raise UserError(
            "resume",
            expected="a folder with a search that was stopped",
            got=f"{path}, whose search is done" if done else f"{path}, which has none",
            fix="leave --resume out to begin anew",
        )
    try:
        with safe_open(file, "pt") as content:
            facts = content.metadata() or {}
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118  # no mapping
        return Saved(parse_design(facts["design"], str(file)), facts["victim"], tensors)
    except (SafetensorError, OSError, KeyError) as error:
        raise UserError(
            "resume",
            expected=f"a readable {STATE}",
            got=f"{file}, which is damaged",
            fix="begin anew with --force",
        ) from error


def check_same(saved: Saved, design: Design, victim: Loaded) -> Design:
    """Return the saved design, stickers' contours and all, if it is `design` otherwise.

    Raises `UserError` where settings or the victim's weights are others than the search's.
    """
    old, new = _flat(saved.design.unplaced()), _flat(design.unplaced())
    others = [
        f"{name} {new[name]!r} instead of {old[name]!r}" for name in old if old[name] != new[name]
    ]
    fix = "give the same, or leave --resume out"
    same = "the settings the search began with"
    check(not others, "resume", expected=same, got=", ".join(others), fix=fix)
    weights = "the victim the search began with"
    check(victim.digest() == saved.victim, "resume", expected=weights, got="other weights", fix=fix)
    return saved.design


def _flat(design: Design) -> dict[str, Any]:
    plain = design.model_dump()
    parts = {name: value for name, value in plain.items() if isinstance(value, dict)}
    rest = {name: value for name, value in plain.items() if name not in parts}
    return rest | {f"{part}.{name}": v for part, some in parts.items() for name, v in some.items()}
