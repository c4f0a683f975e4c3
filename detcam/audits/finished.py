"""An audit that is finished, read from its folder, and whether two of them may be compared."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from detcam.audits.journal import read_journal
from detcam.audits.table import read_table
from detcam.errors import DataError

SAME = {"annotations": "annotations or photographs", "classes": "classes", "min_score": "minimum score"}
"""What two audits must share: the setting and its words."""


@dataclass(frozen=True)
class Finished:
    """A finished audit.

    Attributes:
        name: what it is called: the model's word, or the folder.
        folder: where it is.
        settings: what its rows depend on.
        photographs: those that are done.
        failed: those that failed, and why.
        table: its rows.
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
        folder: the audit's.
        name: what to call it; None for the folder.

    Raises:
        DataError: it is not an audit, not finished, of another version, or its table is not that of its journal.
    """
    known = read_journal(folder)
    whole, tried = known.settings.get("photographs"), len(known.done) + len(known.failed)
    if tried != whole:
        raise DataError(f"{folder}: is not finished, {tried} of {whole} photographs are done: run its detcam audit "
                        "again, which goes on where it was left")
    table = read_table(folder)
    if len(table) != sum(known.done.values()) or not set(table.photograph) <= set(known.done):
        raise DataError(f"{folder}: its table is not that of its journal: run its detcam audit again, which writes it "
                        "anew")
    return Finished(name or str(folder), folder, known.settings, tuple(known.done), known.failed, table)


def check_alike(a: dict[str, Any], b: dict[str, Any], names: tuple[str, str]) -> None:
    """See that two audits are of the same data and classes above the same score.

    Args:
        a, b: their settings.
        names: what they are called.

    Raises:
        DataError: they are not.
    """
    for setting, words in SAME.items():
        one, other = ((sorted(each[setting]) if setting == "classes" else each.get(setting)) for each in (a, b))
        if one != other:
            raise DataError(f"{names[0]} and {names[1]} cannot be compared, their {words} differ ({one} and {other}): "
                            "audit both alike")


def same_heat(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether the heatmaps of two audits were made alike, so that a change in them says something of the detectors."""
    first, second = ([list(each.get("methods", {}).items())[:1], each.get("layer")] for each in (a, b))
    return first == second
