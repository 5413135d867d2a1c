"""Where the real images and weights lie, if they are here, and the marker of tests that need them.

They are looked for in ../shared/data beside the repository; PHYSADV_DATA names another folder.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("PHYSADV_DATA", ROOT.parent / "shared" / "data"))
HERE = (DATA / "README.md").is_file()

needs_data = pytest.mark.data
"""Marks a test (or, as `pytestmark`, a file); conftest.py skips it where the data are absent."""
