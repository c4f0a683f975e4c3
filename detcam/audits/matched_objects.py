"""Two audits of the same data, joined by their true objects: what each detector made of each object."""

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

MOVED = 0.05  # of IoU: a larger change counts as better or worse

CORNERS = ("true_x1", "true_y1", "true_x2", "true_y2")
KEY = ("photograph", "true_object")
KEPT = ("number", "score", "verdict", "heatmap", "heatmap_key")


@dataclass(frozen=True)
class Matched:
    """Every true object of the classes in question, with what two detectors, A and B, made of it.

    Attributes:
        objects: a row an object, ``N`` of them: ``photograph``, ``true_object`` (its index among the photograph's true
            boxes), ``true_class``, the true box in source pixels, and ``size``, the square root of its area there.
        a, b: the same rows, for A and for B: ``found``; ``iou`` with the detection that found it, 0 where none did;
            ``number``, ``score``, ``heatmap`` and ``heatmap_key`` of that detection, or of a missed object's best raw
            row, and the ``verdict`` on that row; ``{edge}_error`` and ``{edge}_outward`` of found objects, over the
            true width or height; and the measures of :func:`detcam.audits.columns.compared_numbers`, for missed objects
            those of the best raw row if it is near the object.
        codes: ``[N]`` the index of each object's photograph among those that are compared.
    """

    objects: pd.DataFrame
    a: pd.DataFrame
    b: pd.DataFrame
    codes: NDArray[np.int64]

    @property
    def both(self) -> NDArray[np.bool_]:
        """``[N]`` whether both found the object."""
        return (self.a.found & self.b.found).to_numpy(bool)

    @property
    def better(self) -> NDArray[np.bool_]:
        """``[N]`` whether B alone found it, or both did and the IoU is larger by more than ``MOVED`` in B."""
        return _ahead(self.b, self.a)

    @property
    def worse(self) -> NDArray[np.bool_]:
        """``[N]`` whether A alone found it, or both did and the IoU is larger by more than ``MOVED`` in A."""
        return _ahead(self.a, self.b)

    def change(self, name: str) -> NDArray[np.float64]:
        """``[N]`` a measure in B minus that in A; NaN where either is not known."""
        return np.asarray(self.b[name].to_numpy(float) - self.a[name].to_numpy(float))


def matched(a: pd.DataFrame, b: pd.DataFrame, photographs: Sequence[str]) -> Matched:
    """Join the tables of two audits by their true objects.

    Args:
        a, b: from :func:`detcam.audits.table.read_table`.
        photographs: names of those that are done in both; rows of others are left out.

    Raises:
        DataError: the tables do not have the same true objects.
    """
    first, second = (_objects(table, photographs) for table in (a, b))
    unlike = first.index.symmetric_difference(second.index)
    if len(unlike):
        photograph, number = unlike[0]
        raise DataError(f"the two audits do not have the same true objects: object {number} of {photograph} is in only "
                        "one of them; audit the same annotations and classes")
    second = second.loc[first.index]
    corners = first[list(CORNERS)].to_numpy(float)
    objects = first[["true_class", *CORNERS]].reset_index().assign(
        size=np.sqrt(np.prod(corners[:, 2:] - corners[:, :2], axis=1).clip(0)))
    return Matched(objects, _side(first), _side(second), codes_of(objects.photograph, photographs))


def codes_of(names: "pd.Series[str]", photographs: Sequence[str]) -> NDArray[np.int64]:
    """The index of each photograph's name in ``photographs``, ``[N]``; -1 for other names."""
    return np.asarray(pd.Index(photographs).get_indexer(names), np.int64)


def _objects(table: pd.DataFrame, photographs: Sequence[str]) -> pd.DataFrame:
    """The row of every true object: of the detection that found it, or of the missed object."""
    rows = table[((table.type == CORRECT.name) | (table.kind == "missed")) & table.photograph.isin(list(photographs))]
    rows = rows.astype({"true_object": int}).set_index(list(KEY))
    if rows.index.has_duplicates:
        photograph, number = rows.index[rows.index.duplicated()][0]
        raise DataError(f"the table of an audit has object {number} of {photograph} twice: run the audit again")
    order = codes_of(rows.index.get_level_values(0).to_series(), photographs)
    return rows.iloc[np.lexsort((rows.index.get_level_values(1).to_numpy(), order))]


def _side(rows: pd.DataFrame) -> pd.DataFrame:
    """What one detector made of each object, in the order of the rows."""
    found = (rows.kind == "detection").to_numpy(bool)
    shown = found | (rows.verdict.notna() & (rows.verdict != NO_ROW)).to_numpy(bool)
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
