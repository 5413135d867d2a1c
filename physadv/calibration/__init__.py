"""A printer measured: the colour chart, found in a photo, read, and fitted to a profile."""

from physadv.calibration.calibrate import Calibration, calibrate
from physadv.calibration.chart import Chart, colours
from physadv.calibration.find import Found, find_chart
from physadv.calibration.fit import Fit, fit
from physadv.calibration.measure import Reading, read_patches
from physadv.calibration.picture import found_picture

__all__ = [
    "Calibration",
    "Chart",
    "Fit",
    "Found",
    "Reading",
    "calibrate",
    "colours",
    "find_chart",
    "fit",
    "found_picture",
    "read_patches",
]
