"""Two audits of the same data, joined through the true objects: what became of each in one and in the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detcam.audits.columns import compared_numbers
from detcam.diagnosis.error_types import CORRECT
from detcam.errors import DataError
from detcam.imaging.boxes import EDGES
from detcam.verdicts.verdict import NO_ROW

MOVED = 0.05  # of IoU: a change beyond it counts as better or worse

CORNERS = ("true_x1", "true_y1", "true_x2", "true_y2")
KEY = ("photograph", "true_object")
KEPT = ("number", "score", "why", "heatmap", "heatmap_key")


@dataclass(frozen=True)
class Matched:
    """Every true object of the classes in question, with what two detectors, A and B, made of it.

    Attributes:
        objects: a line an object: ``photograph``, ``true_object`` (the place among the photograph's true boxes),
            ``true_class``, the true box in source pixels, and ``size``, the square root of its area there.
        a, b: the same lines: ``found``; ``iou`` with the box that found it, 0 where none did; ``number``, ``score``,
            ``heatmap`` and ``heatmap_key`` of that box, or of the raw row that speaks for a missed object, and ``why``
            it was missed; ``{edge}_error`` and ``{edge}_outward``, over the true width or height, of found objects; and
            the numbers of :func:`detcam.audits.columns.compared_numbers`, of missed objects those of the raw row if
            there is one near.
        codes: ``[N]`` the place of each object's photograph among those that are compared.
    """

    objects: pd.DataFrame
    a: pd.DataFrame
    b: pd.DataFrame
    codes: NDArray[np.int64]

    @property
    def both(self) -> NDArray[np.bool_]:
        """``[N]`` found by both."""
        return (self.a.found & self.b.found).to_numpy(bool)

    @property
    def better(self) -> NDArray[np.bool_]:
        """``[N]`` found by B alone, or by both with an IoU that is larger by more than ``MOVED`` in B."""
        return _ahead(self.b, self.a)

    @property
    def worse(self) -> NDArray[np.bool_]:
        """``[N]`` the same with A and B exchanged."""
        return _ahead(self.a, self.b)

    def change(self, name: str) -> NDArray[np.float64]:
        """``[N]`` a number in B minus that in A; NaN where either is not known."""
        return np.asarray(self.b[name].to_numpy(float) - self.a[name].to_numpy(float))


def matched(a: pd.DataFrame, b: pd.DataFrame, photographs: Sequence[str]) -> Matched:
    """Join two tables of audits.

    Args:
        a, b: from :func:`detcam.audits.table.read_table`.
        photographs: those that are done in both; rows of others are left out.

    Raises:
        DataError: the tables do not know the same true objects.
    """
    first, second = (_objects(each, photographs) for each in (a, b))
    unlike = first.index.symmetric_difference(second.index)
    if len(unlike):
        photograph, number = unlike[0]
        raise DataError(f"the two audits are not of the same true objects: object {number} of {photograph} is in one "
                        "alone; audit the same annotations and classes")
    second = second.loc[first.index]
    corners = first[list(CORNERS)].to_numpy(float)
    objects = first[["true_class", *CORNERS]].reset_index().assign(
        size=np.sqrt(np.prod(corners[:, 2:] - corners[:, :2], axis=1).clip(0)))
    return Matched(objects, _side(first), _side(second), codes_of(objects.photograph, photographs))


def codes_of(names: "pd.Series[str]", photographs: Sequence[str]) -> NDArray[np.int64]:
    """The place of each photograph's name among all of them, -1 for none of them."""
    return np.asarray(pd.Index(photographs).get_indexer(names), np.int64)


def _objects(table: pd.DataFrame, photographs: Sequence[str]) -> pd.DataFrame:
    """The row of every true object, by photograph and number: the detection that found it, or the missed object's."""
    own = table[((table.type == CORRECT.name) | (table.kind == "missed")) & table.photograph.isin(list(photographs))]
    own = own.astype({"true_object": int}).set_index(list(KEY))
    if own.index.has_duplicates:
        photograph, number = own.index[own.index.duplicated()][0]
        raise DataError(f"the table of an audit knows object {number} of {photograph} twice: run the audit again")
    order = codes_of(own.index.get_level_values(0).to_series(), photographs)
    return own.iloc[np.lexsort((own.index.get_level_values(1).to_numpy(), order))]


def _side(rows: pd.DataFrame) -> pd.DataFrame:
    """What one detector made of each object, in the order of the rows."""
    found = (rows.kind == "detection").to_numpy(bool)
    shown = found | (rows.why.notna() & (rows.why != NO_ROW)).to_numpy(bool)
    side = {"found": found, "iou": np.where(found, rows.iou.to_numpy(float, na_value=np.nan), 0.0)}
    side |= {name: rows[name].to_numpy() for name in KEPT}
    for edge in EDGES:
        outward = np.where(found, rows[f"{edge}_error_share"].to_numpy(float, na_value=np.nan), np.nan)
        side |= {f"{edge}_outward": outward, f"{edge}_error": np.abs(outward)}
    side |= {name: np.where(shown, values, np.nan) for name, values in compared_numbers(rows).items()}
    return pd.DataFrame(side)


def _ahead(one: pd.DataFrame, other: pd.DataFrame) -> NDArray[np.bool_]:
    found, before = one.found.to_numpy(bool), other.found.to_numpy(bool)
    closer = one.iou.to_numpy(float) - other.iou.to_numpy(float) > MOVED
    return np.asarray(found & (~before | closer))
