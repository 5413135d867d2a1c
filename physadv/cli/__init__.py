"""The command line: parse, call, show."""

from physadv.cli.app import app

__all__ = ["app"]
