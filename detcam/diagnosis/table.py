"""A diagnosis as rows of numbers: a row a detection in question, a row a missed object, always the same columns."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from detcam.diagnosis.attention.shortcuts import PATTERNS
from detcam.diagnosis.diagnosis_data import MissedObject
from detcam.diagnosis.error_types import MISSED
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.diagnosis.interventions.shortcut_probes import PROBES
from detcam.diagnosis.result import Diagnosis
from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import EDGES, areas, edge_lengths, iou
from detcam.measures.shares import REGIONS

Row = dict[str, Any]

STRING, FLOAT, INTEGER, BOOL = "string", "float64", "int64", "bool"
"""The type of a column. Any value may be missing (None, or NaN for a number)."""


def column_name(name: str) -> str:
    """A pattern's or a probe's name as part of a column's name."""
    return name.replace(" ", "_")


def _columns() -> dict[str, str]:
    columns = {"photograph": STRING, "kind": STRING, "number": INTEGER, "type": STRING, "class_name": STRING,
               "score": FLOAT}
    columns |= dict.fromkeys(("x1", "y1", "x2", "y2"), FLOAT)
    columns |= {"true_object": INTEGER, "true_class": STRING, "counted_elsewhere": BOOL}
    columns |= dict.fromkeys(("true_x1", "true_y1", "true_x2", "true_y2", "iou", "canvas_size"), FLOAT)
    columns |= dict.fromkeys((f"{edge}_error_{unit}" for unit in ("px", "share") for edge in EDGES), FLOAT)
    columns |= {"worst_edge": STRING, "worst_error": FLOAT, "row": INTEGER, "level": INTEGER, "method": STRING,
                "layer": STRING, "status": STRING}
    columns |= {f"heat_{region}": FLOAT for region in REGIONS}
    columns |= {"heat_on_object": FLOAT, "heat_on_other_objects": FLOAT, "peak_inside": BOOL}
    columns |= dict.fromkeys((f"{edge}_{name}" for name in (
        "evidence", "percentile", "sibling_spread", "distribution_spread", "heat_gap", "pull_outward", "pull_beyond",
        "pull_outside") for edge in EDGES), FLOAT)
    for pattern in PATTERNS:
        columns |= dict.fromkeys((f"{column_name(pattern)}_score", f"{column_name(pattern)}_chance"), FLOAT)
        columns |= {f"{column_name(pattern)}_flag": BOOL}
    columns |= {"hottest_corner": STRING, "hottest_side": STRING}
    columns |= dict.fromkeys((f"occlusion_{column_name(probe)}_{what}" for probe in PROBES
                              for what in ("loss", "control_loss")), FLOAT)
    columns |= {"occlusion_edge": STRING}
    columns |= dict.fromkeys(("occlusion_edge_moved", "occlusion_edge_control_moved"), FLOAT)
    columns |= {"siblings": INTEGER, "siblings_survived": INTEGER}
    columns |= {"verdict": STRING, "verdict_value": FLOAT, "verdict_limit": FLOAT, "rival": INTEGER,
                "sentence": STRING, "heatmap": STRING, "heatmap_key": STRING}
    return columns


COLUMNS = _columns()
"""Every column and its type, in order.

Boxes are xyxy in source pixels. Edge errors are positive where the edge lies outside the true one: ``…_px`` in source
pixels, ``…_share`` over the true width or height. ``canvas_size`` is the square root of the box's area in canvas
pixels. ``true_object`` is an index into the photograph's true boxes. ``counted_elsewhere``: TIDE counts another error
for this missed object. ``pull_…`` are the fields of :class:`detcam.diagnosis.attention.pull.Pull`; ``…_score``,
``…_chance`` and ``…_flag`` those of :class:`detcam.diagnosis.attention.shortcuts.Shortcuts`. ``occlusion_…_loss`` is
the share of the score that is lost when the suspicious region is occluded, ``…_control_loss`` the mean share lost with
a control occlusion. ``occlusion_edge_moved`` is how far the worst edge moves outward, over the true width or height,
when the region that moves it outward is occluded, beside the mean of the controls. ``verdict`` is what became of a
missed object's best row, ``verdict_value`` and ``verdict_limit`` the numbers compared there, ``rival`` the number of
the row that beat or suppressed it."""


def rows_of(diagnosis: Diagnosis, photograph: str) -> list[Row]:
    """The rows of one photograph, each with every column of ``COLUMNS``: detections first, then missed objects.

    Args:
        diagnosis: of the photograph.
        photograph: its name in the table.
    """
    rows = []
    for values in (*_detections(diagnosis), *_missed(diagnosis)):
        unknown = values.keys() - COLUMNS.keys()
        assert not unknown, unknown
        rows.append({name: _plain(values.get(name)) for name in COLUMNS} | {"photograph": photograph})
    return rows


def _plain(value: Any) -> Any:
    """A Python number or string, NumPy's converted; None for a missing value."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _detections(diagnosis: Diagnosis) -> Iterator[Row]:
    boxes, errors = diagnosis.boxes, diagnosis.shares
    for i in range(len(diagnosis)):
        true, worst = diagnosis.truth_of(i), diagnosis.worst_edge(i)
        on_objects = diagnosis.leakage[i]
        row: Row = {"kind": "detection", "type": diagnosis.type_of(i)} | _explained(boxes, i)
        row |= {"siblings": len(diagnosis.siblings[i].rows),
                "siblings_survived": len(diagnosis.siblings[i].survived),
                "iou": float(diagnosis.assignment.overlap[diagnosis.evaluated[i]])}
        row |= {f"{edge}_error_px": diagnosis.outward[i, column] for column, edge in enumerate(EDGES)}
        row |= {f"{edge}_error_share": errors[i, column] for column, edge in enumerate(EDGES)}
        if worst is not None:
            row |= {"worst_edge": worst, "worst_error": errors[i, EDGES.index(worst)]}
        if true >= 0:
            row |= _true(diagnosis, true) | {"heat_on_object": on_objects[true]}
        others = np.delete(on_objects, true) if true >= 0 else on_objects
        row["heat_on_other_objects"] = float(others.max()) if len(others) else 0.0
        for column, pull in enumerate(diagnosis.pulls[i] or ()):
            row |= {f"{EDGES[column]}_pull_{name}": getattr(pull, name) for name in ("outward", "beyond", "outside")}
        yield row | _shortcuts(diagnosis, i) | _interventions(diagnosis, i)


def _shortcuts(diagnosis: Diagnosis, i: int) -> Row:
    shortcuts = diagnosis.shortcuts[i]
    row: Row = {"hottest_corner": shortcuts.corner or None, "hottest_side": shortcuts.side or None}
    for pattern in PATTERNS:
        name = column_name(pattern)
        row |= {f"{name}_score": shortcuts.scores[pattern], f"{name}_chance": shortcuts.chance[pattern],
                f"{name}_flag": shortcuts.flags[pattern]}
    return row


def _interventions(diagnosis: Diagnosis, i: int) -> Row:
    row: Row = {}
    for probe in () if diagnosis.interventions is None else diagnosis.interventions[i]:
        worst = diagnosis.worst_edge(i)
        if probe.name != EDGE:
            name = f"occlusion_{column_name(probe.name)}"
            row |= {f"{name}_loss": probe.suspect.loss, f"{name}_control_loss": probe.suspect.loss - probe.extra_loss}
        elif worst is not None:
            column = EDGES.index(worst)
            length = float(edge_lengths(diagnosis.truth.boxes[diagnosis.truth_of(i)])[column])
            moved, extra = (float(edges[column]) / length for edges in (probe.suspect.edges, probe.extra_edges))
            row |= {"occlusion_edge": worst, "occlusion_edge_moved": moved,
                    "occlusion_edge_control_moved": moved - extra}
    return row


def _missed(diagnosis: Diagnosis) -> Iterator[Row]:
    for missed in diagnosis.missed:
        row: Row = {"kind": "missed", "type": MISSED.name, "counted_elsewhere": missed.counted_elsewhere}
        row |= _true(diagnosis, missed.truth)
        best = diagnosis.best_rows
        if missed.verdict is not None and best is not None and missed.row is not None:
            row |= _explained(best, missed.row) | _verdict(missed)
            box = best.detections.boxes[[missed.row]]
            row["iou"] = float(iou(box, diagnosis.truth.boxes[[missed.truth]])[0, 0])
            if missed.rival is not None:
                row["rival"] = best.numbered[missed.rival]
        yield row


def _verdict(missed: MissedObject) -> Row:
    assert missed.verdict is not None
    row: Row = {"verdict": missed.verdict.kind, "sentence": missed.verdict.sentence}
    if missed.verdict.near and missed.verdict.reasons:
        row |= {"verdict_value": missed.verdict.reasons[0].value, "verdict_limit": missed.verdict.reasons[0].limit}
    return row


def _true(diagnosis: Diagnosis, k: int) -> Row:
    corners = dict(zip(("true_x1", "true_y1", "true_x2", "true_y2"), diagnosis.truth.boxes[k].tolist(), strict=True))
    return {"true_object": k, "true_class": diagnosis.truth.class_names[k], **corners}


def _explained(boxes: Explanation, i: int) -> Row:
    """What is known of the ``i``-th row of an explanation."""
    row, numbers = boxes[i], boxes.numbers(i)
    canvas = row.heatmap.geometry.to_canvas(row.box)
    values: Row = {"number": row.number, "class_name": row.class_name, "score": row.score, "row": row.row,
                   "level": row.level, "canvas_size": float(np.sqrt(max(float(areas(canvas)), 0.0)))}
    values |= dict(zip(("x1", "y1", "x2", "y2"), row.box.tolist(), strict=True))
    values |= {name: numbers[name] for name in ("method", "layer", "status", "peak_inside")}
    values |= {f"heat_{region}": numbers[region] for region in REGIONS}
    return values | {name: value for name, value in numbers.items() if name.partition("_")[0] in EDGES}
