"""What a path and a header of SBA may be, checked when the settings are read (facts.md 1.2)."""

from __future__ import annotations

from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, Field


def checked_path(*places: str) -> AfterValidator:
    """Checks a path in which these may stand, besides the tenant and the company."""
    known = [f"{{{name}}}" for name in ("tenant", "company", *places)]

    def checked(text: str) -> str:
        try:
            parts = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
        except ValueError as error:
            raise ValueError(f"a path has {{name}} where something is put in ({error})") from error
        for name, form, how in parts:
            written = f"{{{name}{f'!{how}' if how else ''}{f':{form}' if form else ''}}}"
            if written not in known:
                raise ValueError(f"{written} is not known here; known are {', '.join(known)}")
        if text and (not text.startswith("/") or not text.isascii() or not text.isprintable() or " " in text):
            raise ValueError("a path begins with / and has no blanks: write it as a URL does (%20)")
        return text

    return AfterValidator(checked)


def _sent(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("what is sent along has letters of ASCII only")
    return text


Sent = Annotated[str, AfterValidator(_sent)]
Places = Annotated[tuple[str, ...], Field(min_length=1)]
