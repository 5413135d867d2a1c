"""Answers of remote victims are kept in --out, so that an attack that dies can go on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from physadv.cli.attack_runs import Planned
from physadv.cli.show import errors
from physadv.core import check
from physadv.evaluation import Run, remotes
from physadv.victims import UNANSWERED, KeptFile, Loaded

ANSWERS, STOPPED = "answers.safetensors", 130
MORE = "queries"
"""The setting that may change when an attack goes on."""


def check_answers(out: Path, *, force: bool, resume: bool) -> None:
    """Refuse what would lose answers that were paid for."""
    there = (out / ANSWERS).exists()
    expected, fix = "a folder without answers", "--resume to go on with it, --force to replace"
    check(force or resume or not there, "out", expected=expected, got=out, fix=fix)


def told(plans: Sequence[Planned], **flags: object) -> dict[str, str]:
    """Return what a command was told, as texts, but for queries, which may be more later."""
    each = [
        " ".join([one.name, *(f"{k}={v}" for k, v in sorted(one.settings.items()) if k != MORE)])
        for one in plans
    ]
    return {"attacks": ", ".join(each)} | {name: str(value) for name, value in flags.items()}


@contextmanager
def keeping(victim: Loaded, out: Path, facts: Mapping[str, str], *, resume: bool) -> Iterator[str]:
    """Keep what a victim answers over HTTP; yield how to go on, empty of a victim that is here.

    Remote victims with a cache of their own keep to that. Raises `UserError` where there is
    nothing to go on with, and those of the victim with how to go on.
    """
    found = remotes(victim)
    own = [one for one in found if getattr(one.answers, "folder", None) is not None]
    file = KeptFile(out / ANSWERS, {**facts, "address": ", ".join(one.digest() for one in found)})
    expected, fix = "a folder with answers to go on with", "leave --resume out to begin anew"
    there = file.path.exists()
    check(there or not resume or bool(own), "resume", expected=expected, got=out, fix=fix)
    if resume and there:
        file.read()
    for one in found:
        one.answers = one.answers if one in own else file
    again = f"go on with the same command and --resume; kept in {out}" if found else ""
    try:
        yield again
    except KeyboardInterrupt as error:
        if not (file.known or own):
            raise
        errors.print(f"physadv: stopped; {again}: {_count(file)}", style="yellow", markup=False)
        raise typer.Exit(STOPPED) from error
    except UNANSWERED as error:
        fix = f"{error.fix}; {again}: {_count(file)}" if file.known or own else error.fix
        raise error.about(error.argument, fix) from error
    finally:
        file.write()


def end_stopped(runs: Sequence[Run], again: str) -> None:
    """Exit with a line where an attack ended before its time: why, and how to go on."""
    if not any(run.found.interrupted for run in runs):
        return
    fault = next((run.found.fault for run in runs if run.found.fault), None)
    why = "stopped by hand" if fault is None else str(fault)
    more = f"; {again}" if again else ""
    errors.print(f"physadv: {why}; whole batches are judged{more}", style="yellow", markup=False)
    raise typer.Exit(STOPPED)


def _count(file: KeptFile) -> str:
    return f"{len(file.known)} answers"
