"""`physadv quiz`: a page that asks people what they read on the signs."""

from pathlib import Path
from typing import Annotated

from physadv.cli.options import FolderArgument, in_world, option
from physadv.cli.show import console, polite
from physadv.core import check
from physadv.output import read_folder
from physadv.output.quiz import write_quiz


@polite
def quiz(
    folder: FolderArgument,
    world: Annotated[
        str | None,
        option("PRESET|FILE", "The world or a world file; by default the folder's."),
    ] = None,
    n: Annotated[
        int, option("N", "Photos with stickers, and as many of the bare sign.", min=1, max=100)
    ] = 12,
    seconds: Annotated[
        float, option("S", "How long a photo is shown; 0: until it is answered.", min=0.0)
    ] = 0.0,
    seed: Annotated[int, option("N", "Another seed, other photos in another order.")] = 0,
    out: Annotated[Path | None, option("FILE", "The page; DIR/quiz.html without it.")] = None,
) -> None:
    """Measure how people read the stickered signs: one page to send them, beside the victim.

    The page needs no other file and no network. It shows simulated photos of the sign with its
    stickers and without, in random order, counts what is read correctly, with intervals, beside
    what the victim read in the same photos, and saves the answers as CSV.
    """
    design, theta = read_folder(folder)
    design = in_world(design, world)
    page = folder / "quiz.html" if out is None else out
    check(page.suffix == ".html", "out", expected="a name that ends in .html", got=str(page))
    write_quiz(page, design, theta, n=n, seed=seed, seconds=seconds)
    told = f"open {page}, or send it to those who shall answer"
    console.print(told, markup=False, soft_wrap=True)
