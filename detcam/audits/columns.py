"""The measures in an audit's table that are compared with the localization error, with their names."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detcam.diagnosis.attention.shortcuts import PATTERNS
from detcam.diagnosis.table import column_name
from detcam.imaging.boxes import EDGES

Array = NDArray[np.float64]

HEAT_ON_OBJECT = "heat on the true object"
BOX_NUMBERS = {
    "heat inside the box": "heat_inside", "heat in other boxes": "heat_others", "heat in the ring around": "heat_ring",
    "heat elsewhere": "heat_elsewhere", HEAT_ON_OBJECT: "heat_on_object",
    "heat on another object": "heat_on_other_objects", "number of sibling rows": "siblings",
}
"""Measures of a whole box: name to column."""

ATTENTION = tuple(name for name in BOX_NUMBERS if name.startswith("heat") and name != HEAT_ON_OBJECT)
"""Those that say where the heat lies, with or without a true object."""

EDGE_NUMBERS = {
    "evidence on the edges": "evidence", "evidence percentile": "percentile",
    "spread among sibling rows": "sibling_spread", "spread of the edge distribution": "distribution_spread",
}
"""Measures of an edge: name to the end of four columns, one an edge."""

COMPARED = ({name: column for name, column in BOX_NUMBERS.items() if name.startswith("heat")}
            | {f"shortcut: {pattern}": f"{column_name(pattern)}_score" for pattern in PATTERNS})
"""Measures of where a box's heat lies, which are compared between two detectors: name to column."""

EVIDENCE = "evidence on the edges (doublings)"
"""The mean over the edges of the base-2 logarithm: a detector's own scale cancels in differences of changes."""

BASELINES = ("smallness of the box", "random")
"""Measures without any knowledge of attention."""


def box_numbers(detections: pd.DataFrame) -> dict[str, Array]:
    """Measures of each box and 1 - score, name to ``[N]``; those without any value are left out."""
    numbers = {name: detections[column].to_numpy(float, na_value=np.nan) for name, column in BOX_NUMBERS.items()}
    numbers["1 - score"] = 1 - detections.score.to_numpy(float)
    return {name: values for name, values in numbers.items() if np.isfinite(values).any()}


def edge_numbers(detections: pd.DataFrame) -> dict[str, Array]:
    """Measures of the edges, name to ``[N, 4]`` (left, top, right, bottom); those never measured are left out."""
    numbers = {name: detections[[f"{edge}_{column}" for edge in EDGES]].to_numpy(float, na_value=np.nan)
               for name, column in EDGE_NUMBERS.items()}
    return {name: values for name, values in numbers.items() if np.isfinite(values).all(1).any()}


def compared_numbers(rows: pd.DataFrame) -> dict[str, Array]:
    """The measures of ``COMPARED`` and the evidence of each row, name to ``[N]``; NaN where not measured."""
    numbers = {name: rows[column].to_numpy(float, na_value=np.nan) for name, column in COMPARED.items()}
    evidence = rows[[f"{edge}_evidence" for edge in EDGES]].to_numpy(float, na_value=np.nan)
    return numbers | {EVIDENCE: np.log2(np.where(evidence > 0, evidence, np.nan)).mean(1)}
