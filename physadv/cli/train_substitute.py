"""`physadv train substitute`: learn a black box's answers, to attack it with --attack transfer."""

from pathlib import Path
from typing import Annotated

import typer

from physadv.cli.options import (
    LOCAL,
    REMOTE,
    RESULT,
    VICTIM,
    ForceOption,
    LabelsOption,
    OutOption,
    SizeOption,
    flag,
    option,
)
from physadv.cli.show import bar, console, errors, polite
from physadv.core import UserError, check
from physadv.evaluation import read_pictures
from physadv.victims import load_victim

STOPPED = 130
ASKING, LEARNING = "Asking", "Learning"


@polite
def substitute(
    images: Annotated[
        Path,
        option(
            "DIR|CSV|FILE",
            "Images of yours to begin with: a folder, or a table .csv with the columns file and "
            "label (labels are not used). They are brought to the victim's size.",
            ASKING,
        ),
    ],
    victim: Annotated[str, option("SPEC", f"{LOCAL}; or {REMOTE}.", VICTIM)] = "bundled",
    labels: LabelsOption = None,
    size_px: SizeOption = None,
    queries: Annotated[
        int, option("N", "Images that the victim is shown, at most.", ASKING, min=1)
    ] = 6400,
    scores: Annotated[
        bool, flag("--scores", "Learn the scores of answers, not their label alone.", ASKING)
    ] = False,
    rounds: Annotated[
        int, option("N", "Augmentations: each doubles the images.", ASKING, min=0)
    ] = 6,
    doublings: Annotated[
        int | None,
        option("N", "After so many each adds --reservoir images instead.", ASKING, min=0),
    ] = None,
    reservoir: Annotated[
        int, option("N", "Images, drawn at random, that are moved then.", ASKING, min=1)
    ] = 400,
    step: Annotated[
        float, option("SIZE", "How far images are moved: of the values' range, 1.", ASKING)
    ] = 0.1,
    period: Annotated[
        int | None, option("N", "The step's sign turns every so many rounds.", ASKING, min=1)
    ] = None,
    network: Annotated[str, option("NAME", "convolutional or linear.", LEARNING)] = "convolutional",
    side_px: Annotated[int, option("PX", "Side of the images that it sees.", LEARNING, min=4)] = 32,
    epochs: Annotated[int, option("N", "Passes over the answers each time.", LEARNING, min=1)] = 10,
    seed: Annotated[int, option("N", "Same seed, same machine: same substitute.", LEARNING)] = 0,
    out: OutOption = Path("physadv-substitute"),
    resume: Annotated[
        bool, flag("--resume", "Go on with the training in --out; --queries may be more.", RESULT)
    ] = False,
    force: ForceOption = False,
) -> None:
    """Train a substitute on the answers of a victim that is only asked (Papernot et al. 2017).

    Images are labelled by the victim, a network learns the labels, every image is moved along the
    sign of its Jacobian and asked about next. Leaves substitute.safetensors in --out, after every
    round, and where it stops: by Ctrl-C, a victim that fails, or a budget that is spent.

    Examples:

    physadv train substitute --images photos --queries 3200 --out sub

    physadv attack --images photos --attack transfer --set substitute=sub --set eps=8/255
    """
    from physadv.attacks.digital.substitute import (
        FILE,
        SubstituteFacts,
        SubstituteRecipe,
        SubstituteState,
        SubstituteWatch,
        read_substitute,
        save_substitute,
        train_substitute,
    )

    file, again = out / FILE, f"go on with the same command and --resume; kept in {out}"
    _check_out(file, force=force, resume=resume)
    known = load_victim(victim, labels=None if labels is None else Path(labels), size_px=size_px)
    recipe = SubstituteRecipe(
        queries=queries,
        answers="scores" if scores else "label",
        rounds=rounds,
        step=step,
        period=period,
        doublings=doublings,
        reservoir=reservoir,
        network=network,
        side_px=side_px,
        epochs=epochs,
    )
    facts = SubstituteFacts.of(known, recipe, seed)
    begun = read_substitute(file, facts)[1] if resume else None
    own = read_pictures(images, known, None if images.suffix.lower() == ".csv" else 0).images
    with bar() as progress:
        task = progress.add_task("training", total=1.0, note="")

        def tick(share: float, what: str) -> None:
            progress.update(task, completed=share, note=what)

        def keep(state: SubstituteState) -> None:
            save_substitute(file, state, facts)
            foretold = "" if state.agreed is None else f"; foretold of the last: {state.agreed}"
            told = f"training {state.trained}: asked about {state.queries} images{foretold}"
            progress.console.print(told, markup=False)

        watch = SubstituteWatch(tick, keep)
        try:
            found = train_substitute(known, own, recipe, seed=seed, resume=begun, watch=watch)
        except KeyboardInterrupt as error:
            raise _stopped(again) from error
        except UserError as error:
            fix = f"{error.fix}; {again}" if file.exists() else error.fix
            raise error.about(error.argument, fix) from error
    if found.interrupted:
        raise _stopped(again)
    told = f"physadv attack --attack transfer --set substitute={out} --images ... --victim ..."
    console.print(f"use it with: {told}", markup=False, soft_wrap=True)


def _stopped(again: str) -> typer.Exit:
    errors.print(f"physadv: stopped; {again}", style="yellow", markup=False)
    return typer.Exit(STOPPED)


def _check_out(file: Path, *, force: bool, resume: bool) -> None:
    """Refuse what would replace a substitute, or go on with none."""
    there, folder = file.exists(), file.parent
    good = folder.is_dir() or not folder.exists()
    check(good, "out", expected="a folder", got=f"{folder} (a file)")
    expected, fix = "a folder without a substitute", "--resume to go on with it, --force to replace"
    check(force or resume or not there, "out", expected=expected, got=folder, fix=fix)
    expected, fix = "a folder with a substitute", "leave --resume out to begin anew"
    check(there or not resume, "resume", expected=expected, got=folder, fix=fix)
