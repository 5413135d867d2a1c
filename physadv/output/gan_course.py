"""The figure of a GAN's training: Frechet distance and coverage by epoch, as a PNG."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

COURSE = "course.png"
BLUE, ORANGE = "#0072B2", "#B34700"


def write_course(folder: Path, card: Mapping[str, Any]) -> Path:
    """Draw what the card of `physadv train gan` measured into a folder; return the file.

    Dashed is what as many real pictures have. matplotlib is imported here, as it takes a second.
    """
    from matplotlib.figure import Figure

    epochs = [one["epoch"] for one in card["measured"]]
    figure = Figure(figsize=(6.0, 4.2), layout="constrained", dpi=150)
    upper, lower = figure.subplots(2, sharex=True)
    for axes, name, colour in ((upper, "frechet", BLUE), (lower, "coverage", ORANGE)):
        values = [one["quality"][name] for one in card["measured"]]
        axes.plot(epochs, values, color=colour, marker="o", ms=4)
        axes.axhline(card["as many real pictures"][name], color="#777777", ls="--", lw=1)
        axes.grid(color="#e4e4e4", lw=0.7)
    upper.set(ylabel="Frechet distance", ylim=(0, None), title=card["figures are of"])
    lower.set(ylabel="coverage", xlabel="epoch", ylim=(-0.03, 1.03))
    figure.savefig(folder / COURSE)
    return folder / COURSE
