"""`physadv victims` and `physadv train gtsrb`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from physadv.cli.options import flag, option
from physadv.cli.show import bar, console, polite
from physadv.cli.train_substitute import substitute
from physadv.core import check

train_app = typer.Typer(
    no_args_is_help=True,
    help="Train a recogniser of your own, to attack it or to compare with, or a generator.",
)
train_app.command()(substitute)
YOURS = """
Yours, as --victim:
  file.py:function       your function; returns a network (give --size-px) or a
                         victim
  model.pt               TorchScript; give --size-px
  model.onnx             a classifier; --size-px where the file does not say it
  weights.safetensors    made by physadv train
  torchvision:NAME:FILE  their architecture, filled with the weights in FILE
  timm:NAME:FILE         the same; nothing is ever downloaded
  https://host/path      give --labels, --size-px; for evaluate and attack alone.
                         It is sent {"images": [PNG in base64, ...]} and answers
                         {"scores": [[a number a class], ...]}
"""


@polite
def victims() -> None:
    """List what comes with physadv, what was measured of it, and how to name your own."""
    from physadv.victims.bundled import bundled, card

    facts, victim = card(), bundled()
    table = Table(title="bundled", title_justify="left")
    table.add_column("measured")
    table.add_column("share correct", justify="right")
    for name, rate in facts["measured"].items():
        table.add_row(name, f"{100 * rate['share']:.1f} % ({rate['hits']}/{rate['n']})")
    console.print(table)
    console.print(f"{len(victim.labels)} classes, {victim.size_px[0]} px; crops: {facts['crop']}")
    console.print(YOURS, markup=False)
    for number, label in enumerate(victim.labels):
        console.print(f"{number:3d}  {label}")


@train_app.command()
@polite
def gtsrb(
    data: Annotated[Path, option("FILE", "GTSRB folder: classes.csv, train.csv, test.csv.")],
    out: Annotated[Path, option("FILE", "Weights to write.")] = Path("weights.safetensors"),
    epochs: Annotated[int, option("N", "Passes over the training images.", min=1)] = 40,
    seed: Annotated[int, option("N", "Same seed, same machine: same weights.")] = 0,
    force: Annotated[bool, flag("--force", "Replace the weights that --out holds.")] = False,
) -> None:
    """Train the recogniser on GTSRB, with physadv's camera as augmentation, and measure it.

    A quarter of an hour on two cores. Ctrl-C keeps the last epoch in a checkpoint beside --out;
    the same command goes on from there. Writes the card beside the weights.
    """
    from physadv.training import Recipe, measure_recogniser, train, write_recogniser

    _check_training(data, out, force=force)
    recipe = Recipe(epochs=epochs, seed=seed)
    with bar() as progress:
        task = progress.add_task("training", total=None, note="simulating photos")

        def tick(done: int, total: int, figures: dict[str, float]) -> None:
            note = ", ".join(f"{name} {value:.2f}" for name, value in figures.items())
            progress.update(task, total=total, completed=done, note=note)

        net = train(data, out.with_suffix(".checkpoint"), recipe, progress=tick)
        progress.update(task, note="measuring")
        measured = measure_recogniser(net, data)
    write_recogniser(out, net, recipe, measured)
    out.with_suffix(".checkpoint").unlink(missing_ok=True)
    for name, rate in measured.items():
        console.print(f"{name}: {rate}")
    console.print(f"use it with: physadv generate --victim {out}")


def _check_training(data: Path, out: Path, *, force: bool) -> None:
    """Refuse what would come to nothing after a quarter of an hour."""
    ending = "a name that ends in .safetensors"
    check(out.suffix == ".safetensors", "out", expected=ending, got=str(out))
    check(out.parent.is_dir(), "out", expected="a folder that exists", got=str(out.parent))
    for file in (out, out.with_suffix(".json")):
        free = "a file that is not there yet"
        check(force or not file.exists(), "out", expected=free, got=str(file), fix="or --force")
    for name in ("classes.csv", "train.csv", "test.csv"):
        whole = "a GTSRB folder with classes.csv, train.csv, test.csv and the images"
        check((data / name).is_file(), "data", expected=whole, got=f"no {name} in {data}")
