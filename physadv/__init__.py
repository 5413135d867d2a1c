"""Printable adversarial stickers for traffic-sign recognisers, judged honestly."""

__version__ = "0.1.0"
