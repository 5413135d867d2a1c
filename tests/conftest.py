"""What holds for every test: one thread a worker, and a skip where the real data are absent.

Laws are tried on the same examples each time; HYPOTHESIS_PROFILE=fresh draws others.
"""

import os

import pytest
import torch
from hypothesis import settings

from tests.shared_data import HERE

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)  # the workers share the cores


settings.register_profile("same", derandomize=True)
settings.register_profile("fresh", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    absent = pytest.mark.skip(reason="../shared/data is absent (PHYSADV_DATA names another folder)")
    for item in items:
        if not HERE and item.get_closest_marker("data"):
            item.add_marker(absent)
