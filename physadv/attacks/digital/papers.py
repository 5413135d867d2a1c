"""The paper that a framework's attack names in its docs, for `Framework.abouts`."""

import re
import sys
from typing import Any

LINK = re.compile(r"https?://[^\s\]>`)\"']+")
ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})")
CODE = "github"


def paper_of(cls: Any) -> str:
    """Return "arXiv 1706.06083", another link, or "" of the first paper in a class's docs.

    Its own docstring counts before its module's, and these before those of the classes it is
    made from; links to code are passed over.
    """
    texts = [cls.__doc__, sys.modules[cls.__module__].__doc__]
    texts += [base.__doc__ for base in cls.__mro__[1:-1]]
    for text in texts:
        for link in LINK.findall(text or ""):
            number = ARXIV.search(link)
            if number:
                return f"arXiv {number[1]}"
            if CODE not in link:
                return str(link).rstrip(".,")
    return ""
