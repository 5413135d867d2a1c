"""What the report is made from: plain data, no tensors, nothing that has to be computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from physadv.core import Rate

Picture = NDArray[np.uint8]

CHECKS = (
    "a control succeeds in more than 5 %",
    "the bare sign alone meets the objective in more than 5 %",
    "the victim reads the bare sign in less than 90 %",
    "the victim gives probabilities where scores were expected",
    "more than 95 % of theta is at its limits",
    "success is too near to a coin's toss",
    "all photos show one scene",
    "the gradient was flat from the start",
    "theta still moves at the last step",
    "the search was stopped by hand",
)
"""What the judge and the search look for before a figure is trusted."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One simulated photo (h,w,3), what the victim answered, whether that is what was wanted.

    `caption` says under which conditions: "7.4 m, yaw -12°, +0.3 EV".
    """

    picture: Picture
    answer: str
    hit: bool
    caption: str


@dataclass(frozen=True)
class Heat:
    """Success on a grid: `rates[i][j]` belongs to `y_values[i]` and `x_values[j]`.

    The names are axis labels with their unit: "distance (m)".
    """

    x_name: str
    x_values: Sequence[float]
    y_name: str
    y_values: Sequence[float]
    rates: tuple[tuple[Rate, ...], ...]


@dataclass(frozen=True)
class Point:
    """Success with stickers that take `area_pct` of the face."""

    area_pct: float
    rate: Rate


@dataclass(frozen=True, eq=False)
class Page:
    """All that the report says.

    `objective` is a phrase that goes on with "in 93 % of…": "Stop read as Speed limit (80km/h)".
    `victim`, `world`: name and a few words about each. `before`, `after`: the sign (h,w,4) RGBA
    without and with stickers. `success`, `clean`, `correct`, `controls` as in `judge.Report`;
    `limit` is the share that controls must not exceed. `measures` (area, pieces, …), `budget`
    (steps, queries, seconds, seed, …) and `facts` (versions, hashes, …) are shown as they are.
    `history` holds (step, loss, held-out success), `placements` the held-out loss of each layout
    when it left the quick search, of which `chosen` was taken. `selection` says how the shots were
    chosen ("drawn at random"), `paper_note` what there is to know about this sheet, `photos` what
    was judged, `checks` what was checked. `thing` is on the sign instead of stickers ("shadow");
    `steps` then say how it is set up instead of how to print.
    """

    title: str
    objective: str
    victim: str
    world: str
    before: Picture
    after: Picture
    success: Rate
    clean: Rate
    correct: Rate | None
    controls: Mapping[str, Rate]
    limit: float = 0.05
    doubts: Sequence[str] = ()
    checks: Sequence[str] = CHECKS
    measures: Mapping[str, str] = field(default_factory=dict)
    budget: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    photos: str = "fresh simulated photos"
    shots: Sequence[Shot] = ()
    selection: str = ""
    heat: Heat | None = None
    areas: Sequence[Point] = ()
    history: Sequence[tuple[int, float, float]] = ()
    placements: Mapping[str, float] = field(default_factory=dict)
    chosen: str = ""
    paper_note: str | None = None
    thing: str = "stickers"
    steps: Sequence[str] = ()
