"""The peak memory of one row, in a process of its own: `python -m benchmarks.memory CASE ROW`."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.cases import Case, network
from benchmarks.rows import builder

CALLS = 2
MIB = 2**20
STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def peak_mib(case: Case, row: str) -> dict[str, float]:
    """Return the peak of a row's steps in a fresh process, in MiB.

    `whole` is the process's resident memory, or what torch allocated on the GPU; `step` what the
    steps took beyond what was held before them. Empty where the system does not say.
    """
    command = [sys.executable, "-m", "benchmarks.memory", json.dumps(asdict(case)), row]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(case: Case, row: str) -> dict[str, float]:
    step = builder(row)(case, network(case))
    _forget_peak(case.device)
    before = _now(case.device)
    for number in range(CALLS):
        step(number)
    after = _peak(case.device)
    return {"whole": after, "step": after - before} if after else {}


def _forget_peak(device: str) -> None:
    """Let what building the step took not count (proc(5): 5 resets the peak)."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
    with suppress(OSError):
        RESET.write_text("5")


def _now(device: str) -> float:
    if device != "cpu":
        return float(torch.cuda.memory_allocated(device)) / MIB
    return _status("VmRSS")


def _peak(device: str) -> float:
    if device != "cpu":
        return float(torch.cuda.max_memory_allocated(device)) / MIB
    return _status("VmHWM")


def _status(name: str) -> float:
    """Read a line of Linux' process status.

    Not `ru_maxrss`: that keeps the parent's peak across fork and exec.
    """
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


if __name__ == "__main__":
    print(json.dumps(_measured(Case(**json.loads(sys.argv[1])), sys.argv[2])))
