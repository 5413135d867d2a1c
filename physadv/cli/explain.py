"""`physadv explain`: why small changes fool a recogniser, measured on it and told on a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from rich.table import Table

from physadv.attacks.digital.named import read_eps
from physadv.attacks.digital.substitute import FILE, load_substitute
from physadv.cli.options import LOCAL, VICTIM, ForceOption, LabelsOption, SizeOption, option
from physadv.cli.show import bar, console, polite
from physadv.core import Encoded, Rate, UserError, check
from physadv.evaluation import TransferMatrix, read_pictures
from physadv.evaluation.explain import Others, explain
from physadv.output.explained import PAGE, check_explained, num, of_255, write_explained
from physadv.victims import Loaded, check_gradients, load_beside, load_victim

TRANSFER = "Transfer: which recognisers share these errors"
EPS = "8/255"


@polite
def explain_command(
    images: Annotated[
        Path,
        option(
            "DIR|CSV|FILE",
            "A folder of images, a table .csv with the columns file and label, or one image. They "
            "are brought to the victim's size.",
        ),
    ],
    victim: Annotated[str, option("SPEC", f"{LOCAL}. It must have gradients.", VICTIM)] = "bundled",
    labels: LabelsOption = None,
    size_px: SizeOption = None,
    truth: Annotated[
        str | None,
        option(
            "CLASS",
            "What all the images show, where no table says it; without it: what the victim reads.",
        ),
    ] = None,
    other: Annotated[
        list[str] | None,
        option(
            "SPEC",
            "Another victim of the same classes, or a folder that physadv train substitute made; "
            "may be repeated. Images are made on each that has gradients and shown to all.",
            TRANSFER,
        ),
    ] = None,
    eps: Annotated[
        str | None, option("EPS", f"Largest change of these images; {EPS}.", TRANSFER)
    ] = None,
    most: Annotated[int, option("N", "Images looked at, the first of them.", min=1)] = 200,
    seed: Annotated[int, option("N", "Of random directions and signs.")] = 0,
    out: Annotated[Path, option("DIR", "Folder for the page.")] = Path("physadv-explain"),
    force: ForceOption = False,
) -> None:
    """Show why small changes fool a recogniser: how linear it is, and what follows from that.

    Leaves explain.html (look at this first) and explain.json in --out: the fall of the margin
    that the gradient foresees and the one seen; the fall by the number of values that are changed;
    the distance to the boundary along the gradient and in random directions; errors against the
    size of the change; a slice of the decision regions; with --other which recognisers share
    errors.

    Examples:

    physadv explain --images photos --victim weights.safetensors

    physadv explain --images photos --other weights.safetensors --other sub --eps 4/255
    """
    check_explained(out, force=force)
    file = None if labels is None else Path(labels)
    known = load_victim(victim, labels=file, size_px=size_px)
    check_gradients(known, expected="a classifier with gradients")
    others = _others(known, other or [], eps)
    shown = read_pictures(images, known, truth)
    some, own = Encoded(shown.images[:most]), shown.labels[:most]
    with bar() as progress:
        task = progress.add_task("measuring", total=1.0, note=f"{len(some)} images")
        found = explain(
            known,
            some,
            own,
            others=others,
            seed=seed,
            watch=lambda share: progress.update(task, completed=share),
        )
    _show(write_explained(out, found, known, seed=seed, told=shown.told))
    if found.shared is not None:
        console.print(_table(found.shared.matrix))
    console.print(f"open {out / PAGE}", markup=False, soft_wrap=True)


def _show(facts: dict[str, Any]) -> None:
    """Print what half of the images need."""
    seen, edge, power = facts["images"], facts["boundary"], facts["errors"]["power of eps"]
    rows = {
        "images read correctly": f"{seen['read correctly']} of {seen['given']}",
        "least change, median": of_255(edge["median eps along the signs"]),
        "foreseen by the gradient": of_255(edge["median eps foreseen"]),
        "rank correlation of the two": num(edge["rank correlation with that foreseen"]),
        "errors grow as eps to the": "none" if power is None else num(power[0]),
    }
    for name, said in rows.items():
        console.print(f"  {name:<28} {said}", markup=False)


def _others(known: Loaded, specs: Sequence[str], eps: str | None) -> Others | None:
    """Return the victims to compare with, before anything is measured; raises `UserError`."""
    expected = "--other beside it, a victim to compare with"
    check(bool(specs) or eps is None, "eps", expected=expected, got="none")
    if not specs:
        return None
    victims = list[Loaded]()
    for spec in specs:
        found = _other(known, spec)
        if found.name in {one.name for one in (known, *victims)}:
            found.name += f" ({spec})"
        victims.append(found)
    others = Others(victims, eps=read_eps(eps or EPS))
    others.beside(known)
    return others


def _other(known: Loaded, spec: str) -> Loaded:
    try:
        if Path(spec).is_dir() or Path(spec).name == FILE:
            return load_substitute(spec)
        return load_beside(spec, known)
    except UserError as error:
        fix = "name a file.py:function that returns a physadv Classifier of that size"
        raise error.about("other", fix if error.argument == "size_px" else "") from error


def _table(found: TransferMatrix) -> Table:
    """Return how often images are misread, by what they were made on and who reads them."""
    table = Table(box=None, pad_edge=False)
    table.add_column("made on / misread by")
    for name in found.columns:
        table.add_column(name, justify="right")
    for name, rates in zip(found.rows, found.success, strict=True):
        table.add_row(name, *map(_percent, rates))
    return table


def _percent(rate: Rate | None) -> str:
    """Say a share and its interval, short enough for several victims side by side."""
    if rate is None:
        return "-"
    return f"{100 * rate.share:.1f} % ({100 * rate.low:.0f}-{100 * rate.high:.0f})"
