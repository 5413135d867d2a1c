"""The rows of the table by name, and which of them can run here."""

from collections.abc import Sequence
from functools import partial

from torch import nn

from benchmarks.cases import Case
from benchmarks.peers import art, kornia
from benchmarks.steps import Build, Step, bare, bare_forward, whole, world_forward

BARE, BARE_FORWARD = "network", "network forward"
PEERS: dict[str, Build] = {"ART": art, "kornia": kornia}
FORWARD = " forward"


def names(worlds: Sequence[str]) -> list[str]:
    """Return the rows of the table, the network alone first."""
    return [BARE, *worlds, *PEERS]


def builder(row: str) -> Build:
    """Return what builds a row's step; what is no other row is a world, ` forward` its half."""
    fixed: dict[str, Build] = {BARE: bare, BARE_FORWARD: bare_forward, **PEERS}
    if row in fixed:
        return fixed[row]
    half = row.endswith(FORWARD)
    return partial(world_forward if half else whole, row.removesuffix(FORWARD))


def prepared(
    case: Case, network: nn.Module, rows: Sequence[str]
) -> tuple[dict[str, Step], dict[str, str]]:
    """Build the steps and try each once; return those that run, and why the others do not."""
    steps: dict[str, Step] = {}
    absent: dict[str, str] = {}
    for row in rows:
        try:
            step = builder(row)(case, network)
            step(0)
        except (ImportError, RuntimeError) as error:  # RuntimeError: what a device cannot do
            absent[row] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        else:
            steps[row] = step
    return steps, absent
