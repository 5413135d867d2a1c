"""Writes the page of a score: one self-contained HTML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from physadv.output.html_page import write_page
from physadv.output.report.pictures import jpeg_uri
from physadv.output.score_figures import score_svg
from physadv.scoring import Scored, Seen


def write_score_page(path: Path, facts: Mapping[str, Any], photos: Sequence[Scored]) -> None:
    """Write the page; `facts` are those of score.json.

    Raises `UserError` for a path that cannot be written.
    """
    drawn = any(photo.hit is not None for photo in photos)
    values = {
        "facts": facts,
        "photos": photos,
        "figure": score_svg(photos) if drawn else None,
        "assumed": any(photo.lens == "assumed" for photo in photos),
    }
    filters = {"said": said, "place": place, "jpeg": jpeg_uri}
    write_page(path, "score.html.j2", values, filters)


def said(rate: Mapping[str, Any] | None) -> str:
    """Say a rate of score.json: 80.0 % (49.0-94.3) of 10."""
    if rate is None:
        return "no such photo"
    share, low, high = (100 * rate[name] for name in ("share", "low", "high"))
    return f"{share:.1f} % ({low:.1f}\N{EN DASH}{high:.1f}) of {rate['n']}"


def place(pose: Seen) -> str:
    """Say a pose in a few words: 7.4 ± 0.1 m, yaw -12 ± 1°, 118 px."""
    distance = f"{pose.distance_m:.2f} ± {pose.distance_error_m:.2f} m"
    yaw = f"yaw {'±' if pose.ambiguous else ''}{_angle(pose)} ± {pose.yaw_error_deg:.0f}°"
    return f"{distance}, {yaw}, {pose.side_px:.0f} px"


def _angle(pose: Seen) -> str:
    value = abs(pose.yaw_deg) if pose.ambiguous else pose.yaw_deg
    return f"{value:.0f}".replace("-", "\N{MINUS SIGN}")
