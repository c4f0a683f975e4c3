"""Tables of audits made by hand, of which everything that matters is known."""

from typing import Any

import numpy as np
import pandas as pd

from detcam.diagnosis.table import COLUMNS
from detcam.imaging.boxes import EDGES

CLASS = "class 1"
Record = dict[str, Any]


def table_of(rows: list[Record]) -> pd.DataFrame:
    """An audit's table from the values that matter; of everything else nothing is known."""
    return pd.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], columns=list(COLUMNS))


def found(name: str, true: int, iou: float = 0.8, top: float = 0.0, heat: float = 0.5, **more: Any) -> Record:
    """The row of a detection that found an object of 10 by 40 pixels; its other edges are exact."""
    errors = {f"{edge}_error_share": top if edge == "top" else 0.0 for edge in EDGES}
    return {"photograph": name, "kind": "detection", "type": "correct", "true_object": true, "true_class": CLASS,
            "iou": iou, "score": 0.7, "number": true + 1, "heat_inside": heat,
            **errors, **box_of(true), **more}


def missed(name: str, true: int, verdict: str = "score", heat: float = 0.2, counted_elsewhere: bool = False) -> Record:
    return {"photograph": name, "kind": "missed", "type": "missed", "true_object": true, "true_class": CLASS,
            "verdict": verdict, "iou": 0.4, "score": 0.1, "heat_inside": heat,
            "counted_elsewhere": counted_elsewhere, **box_of(true)}


def box_of(true: int) -> Record:
    return {"true_x1": 20.0 * true, "true_y1": 0.0, "true_x2": 20.0 * true + 10, "true_y2": 40.0}


def wrong(name: str, kind: str) -> Record:
    return {"photograph": name, "kind": "detection", "type": kind, "score": 0.5, "iou": 0.0}


def random_tables(seed: int, photographs: int = 40, gain: float = 0.0, tall: float = 0.0, fewer: float = 0.0
                  ) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Two tables of detectors alike, but for the share of objects that B finds, its top edges and its errors."""
    random = np.random.default_rng(seed)
    names, tables = [f"{index}.jpg" for index in range(photographs)], []
    counts = random.integers(1, 6, photographs)
    for shift, top, errors in ((0.0, 0.0, 2.0), (gain, tall, 2.0 - fewer)):
        rows = []
        for name, count in zip(names, counts.tolist(), strict=True):
            for true in range(count):
                hit = random.random() < 0.5 + shift
                rows.append(found(name, true, random.uniform(0.5, 1), top + random.normal(0, 0.05), random.random(),
                                  left_evidence=1.0, top_evidence=2.0, right_evidence=random.uniform(1, 2),
                                  bottom_evidence=1.0) if hit else missed(name, true, heat=random.random()))
            rows += [wrong(name, "background")] * int(random.poisson(errors))
        tables.append(table_of(rows))
    return tables[0], tables[1], names


def assert_nothing(summary: Record) -> None:
    changes = [summary[name]["change"] for name in ("recall", "iou", "score")] + [summary["moved"]["net"]]
    changes += [each["change"] for each in (*summary["errors"], *summary["edges"])]
    changes += [each["all"] for each in summary["attention"]]
    changes = [each for each in changes if each["value"] is not None]
    assert len(changes) > 10
    assert all(each[name] == 0 for each in changes for name in ("value", "low", "high"))
    assert summary["findings"] == []
    assert summary["found"]["only_a"] == summary["found"]["only_b"] == 0
    assert summary["first_worse"] == summary["first_better"] == []
