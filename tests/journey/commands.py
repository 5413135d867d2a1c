"""Runs the command line in this process, on settings that take seconds, and reads its cards."""

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from typer.testing import CliRunner, Result

from physadv.cli import app
from tests.victims import LinearNetwork

QUICK = ("--steps", "20", "--batch", "8", "--judged", "20", "--layout", "middle")
LABELS = ("Stop", "Go", "Yield")


def physadv(*arguments: object) -> Result:
    """Run a command; what it prints is in `stdout` and `stderr`, its code in `exit_code`."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> Result:
    """Run a command that must succeed."""
    found = physadv(*arguments)
    assert found.exit_code == 0, found.output
    return found


def refused(found: Result) -> str:
    """Return the one line that a refusal consists of."""
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit), found.exception
    lines = found.stderr.strip().splitlines()
    assert len(lines) == 1, found.stderr
    assert lines[0].startswith("physadv: ")
    assert "Traceback" not in found.output
    return lines[0]


def card(folder: Path, name: str = "card.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found


def timeless(facts: dict[str, Any]) -> dict[str, Any]:
    """Return a card without what may differ between two equal runs."""
    budget = {name: value for name, value in facts["budget"].items() if name != "seconds"}
    return {**facts, "date": None, "budget": budget}


def torchscript(path: Path, classes: int = 3, size_px: int = 16) -> Path:
    """Write a linear network of `classes` outputs as TorchScript."""
    rng = torch.Generator().manual_seed(0)
    weight = torch.randn(classes, 3, size_px, size_px, generator=rng) / size_px
    network = LinearNetwork(weight, torch.zeros(classes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # users still have TorchScript files
        traced = torch.jit.trace(network, torch.zeros(1, 3, size_px, size_px))
        torch.jit.save(traced, path)
    return path


def label_file(path: Path, labels: tuple[str, ...] = LABELS) -> Path:
    path.write_text("\n".join(labels) + "\n", encoding="utf-8")
    return path
