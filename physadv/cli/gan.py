"""`physadv train gan`: a generator of pictures like those of a folder."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.table import Table

from physadv.cli.options import flag, option
from physadv.cli.run import STOPPED
from physadv.cli.show import bar, console, errors, polite
from physadv.core import check
from physadv.core.check import one_of
from physadv.generative import GanRecipe, read_pictures
from physadv.generative.recipe import KINDS, Kind

COLUMNS = ("frechet", "precision", "recall", "density", "coverage")


@polite
def gan(
    data: Annotated[
        Path, option("DIR", "Images, in folders or not; of a folder train in it, those alone.")
    ],
    out: Annotated[Path, option("DIR", "Folder for the generator, its card and pictures.")],
    kind: Annotated[str, option("KIND", "dcgan, or wgan-gp.")] = "dcgan",
    epochs: Annotated[int, option("N", "Passes over the images.", min=1)] = GanRecipe.epochs,
    minutes: Annotated[
        float | None, option("MIN", "Stop after the epoch in which so much time is up.", min=0.01)
    ] = None,
    seed: Annotated[int, option("N", "Same seed, same machine: same generator.")] = 0,
    batch: Annotated[int, option("N", "Pictures in a step.", min=2)] = GanRecipe.batch,
    resume: Annotated[bool, flag("--resume", "Go on with the training that --out holds.")] = False,
    force: Annotated[bool, flag("--force", "Replace the training that --out holds.")] = False,
) -> None:
    """Train a GAN on a folder of images at 32 px, and measure it on the way.

    Leaves generator.safetensors, card.json, samples.png, course.png (Frechet distance and coverage
    by epoch, on the bundled recogniser's features) and checkpoint.safetensors. Ctrl-C keeps the
    last epoch; --resume goes on from there, also to more --epochs.
    """
    from physadv.output.gan_course import write_course
    from physadv.training.gan import GanPlan, train_gan

    one_of("kind", kind, KINDS)
    recipe = GanRecipe(kind=cast(Kind, kind), epochs=epochs, batch=batch, seed=seed)
    _check_out(out, resume=resume, force=force)
    pictures = read_pictures(data, least=max(batch, 12))
    plan = GanPlan(minutes=minutes, resume=resume)
    try:
        with bar() as progress:
            task = progress.add_task("training", total=None, note="")

            def tick(done: int, total: int, figures: Any) -> None:
                note = ", ".join(f"{name} {value:.2f}" for name, value in figures.items())
                progress.update(task, total=total, completed=done, note=note)

            card = train_gan(pictures, recipe, out, plan=plan, progress=tick)
    except KeyboardInterrupt as error:
        told = f"stopped; go on with the same command and --resume, if {out} has a checkpoint"
        errors.print(f"physadv: {told}", style="yellow", markup=False)
        raise typer.Exit(STOPPED) from error
    _show(card)
    console.print(f"open {write_course(out, card)} and {out / 'samples.png'}", markup=False)


def _check_out(out: Path, *, resume: bool, force: bool) -> None:
    """Refuse a folder that holds a training, or one that is no folder."""
    from physadv.training.gan import CHECKPOINT

    free = not out.exists() or out.is_dir()
    check(free, "out", expected="a folder, or a name for a new one", got=str(out))
    held = (out / CHECKPOINT).is_file()
    expected = "a folder without a training"
    fix = "go on with --resume, or begin anew with --force"
    check(resume or force or not held, "out", expected=expected, got=str(out), fix=fix)


def _show(card: dict[str, Any]) -> None:
    table = Table(title=card["figures are of"], title_justify="left")
    table.add_column("epoch")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    rows = {str(one["epoch"]): one["quality"] for one in card["measured"]}
    for epoch, quality in (rows | {"real": card["as many real pictures"]}).items():
        table.add_row(epoch, *[f"{quality[name]:.2f}" for name in COLUMNS])
    console.print(table)
    for doubt in card["doubts"]:
        console.print(f"doubt: {doubt}", style="yellow", markup=False)
