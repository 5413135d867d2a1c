"""The table of kept designs: its rows, on the terminal and as Markdown in a page."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from physadv.cli.made_by import made_by
from physadv.cli.show import interval
from physadv.core import check
from physadv.output import Kept

HEADS = ("name", "kind", "sign", "goal", "victim", "world", "area", "success", "worst control")
BEGIN, END = "<!-- patches: made by physadv patches list --readme -->", "<!-- end of patches -->"


def kind_of(kept: Kept) -> str:
    """Say the kind of the stickers, where they cover all of the field, and their inks."""
    part = kept.design.sticker
    poster = ("poster",) if part.layout == "poster" else ()
    return ", ".join((part.kind, *poster, *(("/".join(part.inks),) if part.inks else ())))


def row_of(kept: Kept) -> tuple[str, ...]:
    """Return what the table says of a design, in the order of its heads."""
    card = kept.card
    measured = card["measured"]
    success = measured["success"]
    told = f"{interval(success)}, n {success['n']}"
    names = (kept.name, kind_of(kept), card["sign"], card["goal"], card["victim"]["name"])
    world = card["world"].split(": ")[0]  # without its changes, which the design file has
    return (*names, world, area_of(card), told, worst_control(measured["controls"]))


def area_of(card: Mapping[str, Any]) -> str:
    """Say how much is covered, and by how many pieces, or how much is touched by light."""
    if "light" in card:
        return f"{card['light']['touched_pct']:.1f} % of {card['light']['of']}"
    return f"{card['stickers']['area_pct']:.1f} % in {card['stickers']['pieces']}"


def worst_control(controls: Mapping[str, Any]) -> str:
    """Say the control with the largest rate."""
    if not controls:
        return "none"
    name, rate = max(controls.items(), key=lambda one: float(one[1]["share"]))
    return f"{interval(rate)}, {name}" if rate["hits"] else interval(rate)


def shelf_table(designs: Iterable[Kept]) -> Table:
    """Return the table for a terminal of 80 columns: a name, and beside it three lines."""
    table = Table("name", "what it does, how well, the worst control", show_lines=True)
    table.columns[0].no_wrap = True
    for kept in designs:
        name, kind, sign, goal, victim, world, area, success, worst = row_of(kept)
        lines = (
            f"{goal} ({victim})",
            f"{success}; worst control {worst}",
            f"{kind} on {sign}, {area}; {world}",
        )
        table.add_row(name, Text("\n".join(lines)))
    return table


def markdown(designs: Iterable[Kept]) -> str:
    """Return the table, and the command that makes each design, as Markdown."""
    heads = (*HEADS, "made by")
    lines = [_line(heads), _line("---" for _ in heads)]
    lines += [_line((*_first(kept), f"`{command(kept)}`")) for kept in designs]
    return "\n".join(lines) + "\n"


def command(kept: Kept) -> str:
    """Return the command that makes a design, with paths from beside its shelf."""
    return made_by(kept.design, Path(kept.folder.parent.name) / kept.name)


def laid_into(page: Path, table: str) -> None:
    """Replace the table between the marks of a Markdown page. Raises `UserError` without them."""
    marks = f"a Markdown page with the lines {BEGIN} and {END}"
    check(page.is_file(), "readme", expected=marks, got=f"{page}, which is no file")
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    check(bool(begin and end), "readme", expected=marks, got=f"{page} without them")
    page.write_text(f"{before}{begin}\n{table}{end}{after}", encoding="utf-8")


def _first(kept: Kept) -> tuple[str, ...]:
    name, *rest = row_of(kept)
    return (f"[{name}]({name})", *rest)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
