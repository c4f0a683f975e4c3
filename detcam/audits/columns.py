"""The numbers of an audit's table that may know of an error, in words."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detcam.diagnosis.attention.shortcuts import PATTERNS
from detcam.diagnosis.table import column_of
from detcam.imaging.boxes import EDGES

Array = NDArray[np.float64]

BOX_NUMBERS = {
    "heat inside the box": "heat_inside", "heat in other boxes": "heat_others", "heat in a ring around": "heat_ring",
    "heat elsewhere": "heat_elsewhere", "heat on the true object": "heat_on_object",
    "heat on another object": "heat_on_other_objects", "sibling rows": "siblings",
}
"""Numbers of a box as a whole: words to column."""

ATTENTION = tuple(name for name in BOX_NUMBERS if name.startswith("heat") and name != "heat on the true object")
"""Those that say where the heat lies, whether or not there is a true object."""

EDGE_NUMBERS = {
    "evidence on the edges": "evidence", "its percentile among sound boxes": "percentile",
    "spread among siblings": "sibling_spread", "spread of the edge's distribution": "distribution_spread",
}
"""Numbers of an edge: words to the end of four columns."""

COMPARED = ({name: column for name, column in BOX_NUMBERS.items() if name.startswith("heat")}
            | {f"shortcut: {pattern}": f"{column_of(pattern)}_score" for pattern in PATTERNS})
"""What says where a box's heat lies, and so may change from one detector to another: words to column."""

EVIDENCE = "evidence on the edges (doublings)"
"""The mean over the edges of the logarithm to base 2: a detector's own scale goes out of differences of changes."""

BASELINES = ("smallness of the box alone", "random")
"""What knows nothing of attention."""


def box_numbers(found: pd.DataFrame) -> dict[str, Array]:
    """Numbers of each box, ``[N]``, those that were measured; with 1 - score."""
    numbers = {name: found[column].to_numpy(float, na_value=np.nan) for name, column in BOX_NUMBERS.items()}
    numbers["1 - score"] = 1 - found.score.to_numpy(float)
    return {name: values for name, values in numbers.items() if np.isfinite(values).any()}


def edge_numbers(found: pd.DataFrame) -> dict[str, Array]:
    """Numbers of each box's edges, ``[N, 4]``, those that were measured."""
    numbers = {name: found[[f"{edge}_{column}" for edge in EDGES]].to_numpy(float, na_value=np.nan)
               for name, column in EDGE_NUMBERS.items()}
    return {name: values for name, values in numbers.items() if np.isfinite(values).all(1).any()}


def compared_numbers(rows: pd.DataFrame) -> dict[str, Array]:
    """The numbers of ``COMPARED`` and the evidence of each row, ``[N]``, NaN where they were not measured."""
    numbers = {name: rows[column].to_numpy(float, na_value=np.nan) for name, column in COMPARED.items()}
    evidence = rows[[f"{edge}_evidence" for edge in EDGES]].to_numpy(float, na_value=np.nan)
    return numbers | {EVIDENCE: np.log2(np.where(evidence > 0, evidence, np.nan)).mean(1)}
