"""A diagnosis as rows of numbers: one a detection in question, one a missed object; always the same columns."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from detcam.diagnosis.attention.shortcuts import PATTERNS
from detcam.diagnosis.diagnosis_data import MissedObject
from detcam.diagnosis.error_types import MISSED
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.diagnosis.interventions.shortcut_probes import QUESTIONS
from detcam.diagnosis.result import Diagnosis
from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import EDGES, areas, edge_lengths, iou
from detcam.measures.shares import REGIONS

Row = dict[str, Any]

STRING, FLOAT, INTEGER, BOOL = "string", "float64", "int64", "bool"
"""What a column holds; any of them may be missing (None, or NaN for a number)."""


def _columns() -> dict[str, str]:
    found = {"photograph": STRING, "kind": STRING, "number": INTEGER, "type": STRING, "class_name": STRING,
             "score": FLOAT}
    found |= dict.fromkeys(("x1", "y1", "x2", "y2"), FLOAT)
    found |= {"true_object": INTEGER, "true_class": STRING, "counted_elsewhere": BOOL}
    found |= dict.fromkeys(("true_x1", "true_y1", "true_x2", "true_y2", "iou", "canvas_size"), FLOAT)
    found |= dict.fromkeys((f"{edge}_error_{unit}" for unit in ("px", "share") for edge in EDGES), FLOAT)
    found |= {"worst_edge": STRING, "worst_error": FLOAT, "row": INTEGER, "level": INTEGER, "method": STRING,
              "layer": STRING, "status": STRING}
    found |= {f"heat_{region}": FLOAT for region in REGIONS}
    found |= {"heat_on_object": FLOAT, "heat_on_other_objects": FLOAT, "peak_inside": BOOL}
    found |= dict.fromkeys((f"{edge}_{name}" for name in (
        "evidence", "percentile", "sibling_spread", "distribution_spread", "heat_gap", "pull_outward", "pull_beyond",
        "pull_outside") for edge in EDGES), FLOAT)
    for pattern in PATTERNS:
        found |= dict.fromkeys((f"{column_of(pattern)}_score", f"{column_of(pattern)}_chance"), FLOAT)
        found |= {f"{column_of(pattern)}_flag": BOOL}
    found |= {"hottest_corner": STRING, "hottest_side": STRING}
    found |= dict.fromkeys((f"hide_{column_of(name)}_{what}" for name in QUESTIONS
                            for what in ("loss", "control_loss")), FLOAT)
    found |= {"hide_edge": STRING} | dict.fromkeys(("hide_edge_moved", "hide_edge_control_moved"), FLOAT)
    found |= {"siblings": INTEGER, "siblings_survived": INTEGER, "why": STRING, "why_value": FLOAT, "why_limit": FLOAT,
              "winner": INTEGER, "sentence": STRING, "heatmap": STRING, "heatmap_key": STRING}
    return found


def column_of(name: str) -> str:
    """A pattern's or a question's name in a column's."""
    return name.replace(" ", "_")


COLUMNS = _columns()
"""Every column and what it holds, in order. Boxes are xyxy in source pixels; an edge's error is positive where the edge
lies outside the true one, in source pixels and as a share of the true width or height; ``canvas_size`` is the square
root of the box's area in canvas pixels; ``true_object`` the place among the photograph's true boxes; ``pull_…`` as in
:class:`detcam.diagnosis.attention.pull.Pull`; ``…_score``, ``…_chance`` and ``…_flag`` as in
:class:`detcam.diagnosis.attention.shortcuts.Shortcuts`; ``hide_…_loss`` the share of the score that is lost when a
suspect region is hidden, ``…_control_loss`` the mean share with a control region; ``hide_edge_moved`` how far the worst
edge moves outward, as a share of the true width or height, when what pulls it out is hidden, beside the mean of the
controls."""


def rows_of(diagnosis: Diagnosis, photograph: str) -> list[Row]:
    """The rows of one photograph, with every column of ``COLUMNS``.

    Args:
        diagnosis: of the photograph.
        photograph: what it is called in the table.
    """
    found = []
    for given in (*_detections(diagnosis), *_missed(diagnosis)):
        unknown = given.keys() - COLUMNS.keys()
        assert not unknown, unknown
        found.append({name: _plain(given.get(name)) for name in COLUMNS} | {"photograph": photograph})
    return found


def _plain(value: Any) -> Any:
    """A number, a word, or None for what is missing; NumPy's kinds as Python's."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _detections(diagnosis: Diagnosis) -> Iterator[Row]:
    boxes, errors = diagnosis.boxes, diagnosis.shares
    for place in range(len(diagnosis)):
        own, worst = diagnosis.truth_of(place), diagnosis.worst_edge(place)
        on_objects = diagnosis.leakage[place]
        row: Row = {"kind": "detection", "type": diagnosis.type_of(place)} | _explained(diagnosis, boxes, place)
        row |= {"siblings": len(diagnosis.siblings[place].rows),
                "siblings_survived": len(diagnosis.siblings[place].survived),
                "iou": float(diagnosis.assignment.overlap[diagnosis.index[place]])}
        row |= {f"{edge}_error_px": diagnosis.outward[place, column] for column, edge in enumerate(EDGES)}
        row |= {f"{edge}_error_share": errors[place, column] for column, edge in enumerate(EDGES)}
        if worst is not None:
            row |= {"worst_edge": worst, "worst_error": errors[place, EDGES.index(worst)]}
        if own >= 0:
            row |= _true(diagnosis, own) | {"heat_on_object": on_objects[own]}
        others = np.delete(on_objects, own) if own >= 0 else on_objects
        row["heat_on_other_objects"] = float(others.max()) if len(others) else 0.0
        for column, pull in enumerate(diagnosis.pulls[place] or ()):
            row |= {f"{EDGES[column]}_pull_{name}": getattr(pull, name) for name in ("outward", "beyond", "outside")}
        yield row | _shortcuts(diagnosis, place) | _hidden(diagnosis, place)


def _shortcuts(diagnosis: Diagnosis, place: int) -> Row:
    own = diagnosis.shortcuts[place]
    row: Row = {"hottest_corner": own.corner or None, "hottest_side": own.side or None}
    for pattern in PATTERNS:
        row |= {f"{column_of(pattern)}_score": own.scores[pattern], f"{column_of(pattern)}_chance": own.chance[pattern],
                f"{column_of(pattern)}_flag": own.flags[pattern]}
    return row


def _hidden(diagnosis: Diagnosis, place: int) -> Row:
    row: Row = {}
    for each in () if diagnosis.interventions is None else diagnosis.interventions[place]:
        worst = diagnosis.worst_edge(place)
        if each.name != EDGE:
            name = f"hide_{column_of(each.name)}"
            row |= {f"{name}_loss": each.suspect.loss, f"{name}_control_loss": each.suspect.loss - each.extra_loss}
        elif worst is not None:
            column = EDGES.index(worst)
            length = float(edge_lengths(diagnosis.truth.boxes[diagnosis.truth_of(place)])[column])
            moved, extra = (float(edges[column]) / length for edges in (each.suspect.edges, each.extra_edges))
            row |= {"hide_edge": worst, "hide_edge_moved": moved, "hide_edge_control_moved": moved - extra}
    return row


def _missed(diagnosis: Diagnosis) -> Iterator[Row]:
    for missed in diagnosis.missed:
        row: Row = {"kind": "missed", "type": MISSED.name, "counted_elsewhere": missed.counted_elsewhere}
        row |= _true(diagnosis, missed.truth)
        if missed.verdict is not None and diagnosis.lost is not None and missed.row is not None:
            row |= _explained(diagnosis, diagnosis.lost, missed.row) | _why(missed)
            box = diagnosis.lost.detections.boxes[[missed.row]]
            row["iou"] = float(iou(box, diagnosis.truth.boxes[[missed.truth]])[0, 0])
            if missed.winner is not None:
                row["winner"] = diagnosis.lost.numbered[missed.winner]
        yield row


def _why(missed: MissedObject) -> Row:
    assert missed.verdict is not None
    row: Row = {"why": missed.verdict.kind, "sentence": missed.verdict.sentence}
    if missed.verdict.near and missed.verdict.reasons:
        row |= {"why_value": missed.verdict.reasons[0].value, "why_limit": missed.verdict.reasons[0].limit}
    return row


def _true(diagnosis: Diagnosis, own: int) -> Row:
    corners = dict(zip(("true_x1", "true_y1", "true_x2", "true_y2"), diagnosis.truth.boxes[own].tolist(), strict=True))
    return {"true_object": own, "true_class": diagnosis.truth.class_names[own], **corners}


def _explained(diagnosis: Diagnosis, boxes: Explanation, place: int) -> Row:
    """What is known of any explained row."""
    one, numbers = boxes[place], boxes.numbers(place)
    canvas = one.heatmap.geometry.to_canvas(one.box)
    row: Row = {"number": one.number, "class_name": one.class_name, "score": one.score, "row": one.row,
                "level": one.level, "canvas_size": float(np.sqrt(max(float(areas(canvas)), 0.0)))}
    row |= dict(zip(("x1", "y1", "x2", "y2"), one.box.tolist(), strict=True))
    row |= {name: numbers[name] for name in ("method", "layer", "status", "peak_inside")}
    row |= {f"heat_{region}": numbers[region] for region in REGIONS}
    return row | {name: value for name, value in numbers.items() if name.partition("_")[0] in EDGES}
