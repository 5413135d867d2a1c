"""Interleaved rounds: every step once a round, in another order each time, and what they say."""

import random
from collections.abc import Mapping
from time import perf_counter

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from benchmarks.steps import Step

WARM_UPS = 3
"""Calls before the clock runs: caches, compilation, choice of algorithms."""

Times = dict[str, list[float]]
"""Milliseconds of each step, round by round."""


def measure(steps: Mapping[str, Step], rounds: int, *, device: str, about: str = "") -> Times:
    """Return the milliseconds of every step in each round."""
    for step in steps.values():
        for number in range(WARM_UPS):
            step(number)
    times: Times = {name: [] for name in steps}
    order, said = list(steps), Console(stderr=True)
    numbers = range(WARM_UPS, WARM_UPS + rounds)
    for number in track(numbers, about, console=said, transient=True, disable=not said.is_terminal):
        random.Random(number).shuffle(order)
        for name in order:
            times[name].append(timed(steps[name], number, device))
    return times


def timed(step: Step, number: int, device: str) -> float:
    """Return the milliseconds of one call, until the device is done."""
    _wait(device)
    begun = perf_counter()
    step(number)
    _wait(device)
    return (perf_counter() - begun) * 1e3


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def ratios(times: Times, name: str, to: str) -> list[float]:
    """Return the ratio of two steps in each round."""
    return [one / other for one, other in zip(times[name], times[to], strict=True)]


def differences(times: Times, name: str, to: str) -> list[float]:
    """Return how much longer a step takes than another in each round."""
    return [one - other for one, other in zip(times[name], times[to], strict=True)]


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile (linear interpolation)."""
    low, middle, high = np.percentile(values, (25, 50, 75)).tolist()
    return low, middle, high
