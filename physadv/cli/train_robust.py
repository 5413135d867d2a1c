"""`physadv train robust`: harden a recogniser by one of several methods, and measure it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from physadv.attacks.digital.named import read_values
from physadv.cli.attack_runs import read_pairs
from physadv.cli.options import flag, option
from physadv.cli.run import STOPPED
from physadv.cli.show import bar, console, errors, polite
from physadv.core import check

LEARNING, RESULT = "Learning", "Result"


@polite
def robust(
    data: Annotated[Path, option("DIR", "GTSRB folder: classes.csv, train.csv, test.csv.")],
    method: Annotated[
        str,
        option(
            "NAME",
            "pgd (Madry et al.), trades, fast, free, mix and pool (clean and labelled adversarial "
            "examples), distil, patch (with their place sought), noise, bands, masks (for defences "
            "that certify), or physical: none, to compare.",
        ),
    ],
    out: Annotated[Path, option("DIR", "Folder for weights, card, checkpoint.", RESULT)],
    eps: Annotated[
        str | None, option("EPS", "Largest change it is trained for, e.g. 8/255.", LEARNING)
    ] = None,
    settings: Annotated[
        list[str] | None,
        option(
            "NAME=VALUE",
            "A setting of the method, e.g. steps=7; may be repeated. A wrong name lists them.",
            LEARNING,
            "--set",
        ),
    ] = None,
    batches: Annotated[
        int | None,
        option("N", "Batches; by default less than 20 minutes on one core.", LEARNING, min=1),
    ] = None,
    begin: Annotated[
        str, option("WEIGHTS", "What to begin with: bundled, or random.", LEARNING)
    ] = "bundled",
    minutes: Annotated[
        float | None, option("MIN", "Stop when so much time is up.", LEARNING, min=0.001)
    ] = None,
    seed: Annotated[int, option("N", "Same seed, same machine: same weights.", LEARNING)] = 0,
    measured: Annotated[
        int, option("N", "Test images that it is measured on.", RESULT, min=1)
    ] = 500,
    resume: Annotated[
        bool, flag("--resume", "Go on with the training that --out holds.", RESULT)
    ] = False,
    force: Annotated[
        bool, flag("--force", "Replace the training that --out holds.", RESULT)
    ] = False,
) -> None:
    """Train the recogniser on GTSRB so that small changes or stickers mislead it less.

    Leaves METHOD.safetensors, which --victim takes, card.json (accuracy, clean and under PGD at
    4/255 and 8/255) and checkpoint.safetensors. Ctrl-C keeps all but the last batches; the same
    command with --resume goes on from there.

    Example: physadv train robust --data gtsrb --method pgd --eps 8/255 --out hardened
    """
    from physadv.training import read_crops
    from physadv.training.robust import (
        BATCHES,
        RobustPlan,
        RobustRecipe,
        accuracies,
        drawn_images,
        robust_method,
        train_robust,
        write_robust,
    )
    from physadv.victims.bundled import SIZE_PX, recogniser

    given = read_pairs([*(settings or ()), *([] if eps is None else [f"eps={eps}"])])
    known = robust_method(method, read_values(given))
    recipe = RobustRecipe(batches=batches or BATCHES[method], begin=begin, seed=seed)
    _check_out(out, resume=resume, force=force)
    crops = read_crops(data, "train")
    images, labels = drawn_images(data, SIZE_PX, measured)
    try:
        with bar() as progress:
            task = progress.add_task("training", total=None, note="")

            def tick(done: int, total: int, figures: Any) -> None:
                progress.update(task, total=total, completed=done, note=f"{figures['loss']:.2f}")

            plan = RobustPlan(minutes, resume)
            net, facts = train_robust(crops, known, recipe, out, plan=plan, progress=tick)
            weights = write_robust(out, method, net, facts, {})
            judge = progress.add_task("measuring", total=1.0, note="")
            rates = accuracies(
                recogniser(weights),
                images,
                labels,
                progress=lambda share: progress.update(judge, completed=share),
            )
    except KeyboardInterrupt as error:
        told = f"stopped; go on with the same command and --resume, if {out} has a checkpoint"
        errors.print(f"physadv: {told}", style="yellow", markup=False)
        raise typer.Exit(STOPPED) from error
    write_robust(out, method, net, facts, rates)
    for name, rate in rates.items():
        console.print(f"{name}: {rate}")
    told = f"use it with: physadv attack --victim {weights} --images ..."
    console.print(told, markup=False, soft_wrap=True)


def _check_out(out: Path, *, resume: bool, force: bool) -> None:
    """Refuse a folder that holds a training, or one that is no folder."""
    from physadv.training.robust.recipe import CHECKPOINT, TEACHER

    free = not out.exists() or out.is_dir()
    check(free, "out", expected="a folder, or a name for a new one", got=str(out))
    held = any((out / name).is_file() for name in (CHECKPOINT, TEACHER))
    expected, fix = "a folder without a training", "go on with --resume, or anew with --force"
    check(resume or force or not held, "out", expected=expected, got=str(out), fix=fix)
