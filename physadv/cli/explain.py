"""`physadv explain`: why small changes fool a recogniser, measured on it and told on a page."""

from pathlib import Path
from typing import Annotated, Any

from physadv.cli.options import LOCAL, VICTIM, ForceOption, LabelsOption, SizeOption, option
from physadv.cli.show import bar, console, polite
from physadv.core import Encoded
from physadv.evaluation import read_pictures
from physadv.evaluation.explain import explain
from physadv.output.explained import PAGE, check_explained, num, of_255, write_explained
from physadv.victims import load_victim


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
    most: Annotated[int, option("N", "Images looked at, the first of them.", min=1)] = 200,
    seed: Annotated[int, option("N", "Of random directions and signs.")] = 0,
    out: Annotated[Path, option("DIR", "Folder for the page.")] = Path("physadv-explain"),
    force: ForceOption = False,
) -> None:
    """Show why small changes fool a recogniser: how linear it is, and what follows from that.

    Leaves explain.html (look at this first) and explain.json in --out: the fall of the margin
    that the gradient foresees and the one seen; the fall by the number of values that are changed;
    the distance to the boundary along the gradient and in random directions; errors against the
    size of the change; a slice of the decision regions.

    Example:

    physadv explain --images photos --victim weights.safetensors
    """
    check_explained(out, force=force)
    file = None if labels is None else Path(labels)
    known = load_victim(victim, labels=file, size_px=size_px)
    shown = read_pictures(images, known, truth)
    some, own = Encoded(shown.images[:most]), shown.labels[:most]
    with bar() as progress:
        task = progress.add_task("measuring", total=1.0, note=f"{len(some)} images")
        found = explain(
            known,
            some,
            own,
            seed=seed,
            watch=lambda share: progress.update(task, completed=share),
        )
    _show(write_explained(out, found, known, seed=seed, told=shown.told))
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
