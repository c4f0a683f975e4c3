"""An audit that is finished, read from its folder, and whether two of them may be compared."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from detcam.audits.journal import read_journal
from detcam.audits.table import read_table
from detcam.errors import DataError

SAME = {"annotations": "annotations or photographs", "classes": "classes", "min_score": "minimum score"}
"""The settings that two audits must share: key to the words for it."""


@dataclass(frozen=True)
class Finished:
    """A finished audit.

    Attributes:
        name: the model as the user named it, or the folder.
        folder: where the audit is.
        settings: what its rows depend on, from its journal.
        photographs: names of the photographs that were diagnosed.
        failed: name of each photograph that failed to the reason.
        table: its rows, from :func:`detcam.audits.table.read_table`.
    """

    name: str
    folder: Path
    settings: dict[str, Any]
    photographs: tuple[str, ...]
    failed: dict[str, str]
    table: pd.DataFrame


def read_finished(folder: Path, name: str | None = None) -> Finished:
    """Read an audit whose every photograph is done or has failed.

    Args:
        folder: the audit's folder.
        name: what to call it; None for the folder.

    Raises:
        DataError: it is not an audit, not finished, of a version that cannot be read, or its table does not fit its
            journal.
    """
    known = read_journal(folder)
    whole, tried = known.settings.get("photographs"), len(known.done) + len(known.failed)
    if tried != whole:
        raise DataError(f"{folder}: is not finished, {tried} of {whole} photographs are done: run its detcam audit "
                        "again, which resumes it")
    table = read_table(folder)
    if len(table) != sum(known.done.values()) or not set(table.photograph) <= set(known.done):
        raise DataError(f"{folder}: its table does not fit its journal: run its detcam audit again, which rewrites it")
    return Finished(name or str(folder), folder, known.settings, tuple(known.done), known.failed, table)


def check_alike(a: dict[str, Any], b: dict[str, Any], names: tuple[str, str]) -> None:
    """Check that two audits have the same annotations, classes and minimum score.

    Args:
        a, b: their settings.
        names: what to call them in an error.

    Raises:
        DataError: they have not.
    """
    for key, words in SAME.items():
        one, other = ((sorted(settings[key]) if key == "classes" else settings.get(key)) for settings in (a, b))
        if one != other:
            raise DataError(f"{names[0]} and {names[1]} cannot be compared, their {words} differ ({one} and {other}): "
                            "audit both with the same")


def same_method(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether the heatmaps of two audits, given their settings, are of the same method and layer and so comparable."""
    first, second = ([list(settings.get("methods", {}).items())[:1], settings.get("layer")] for settings in (a, b))
    return first == second
