"""Pages of HTML that need no other file, from the templates in this folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from physadv.output.marks import NOTICE
from physadv.output.sheet import write_bytes


def write_page(
    path: str | Path,
    template: str,
    values: Mapping[str, Any],
    filters: Mapping[str, Any],
) -> None:
    """Write a page: a template filled with values, texts among them escaped, and the notice.

    Raises `UserError` for a path that cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("physadv.output", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    page = environment.get_template(template).render(**values, notice=NOTICE)
    write_bytes(path, page.encode())
