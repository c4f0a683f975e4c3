"""The summary of an audit: effects with intervals from resampling photographs, also among boxes of similar size."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detcam.audits.columns import ATTENTION, BASELINES, box_numbers, edge_numbers
from detcam.audits.findings import BIAS, findings_of, no_finding_reason
from detcam.audits.json_numbers import Record, plain, record
from detcam.audits.shortcut_findings import find_shortcuts
from detcam.diagnosis.error_types import CORRECT, ERRORS, IGNORED, MISSED
from detcam.diagnosis.table import COLUMNS, FLOAT, STRING
from detcam.imaging.boxes import EDGES
from detcam.measures.reference import SOUND
from detcam.stats.bootstrap import FEWEST, mean, median
from detcam.stats.effect_size import cliffs_delta
from detcam.stats.rank_correlation import rank_correlation, worst_edge_rate

SCHEMA = 2
RESAMPLES = 1000
FIRST = 10  # detections to inspect first


def summarise(table: pd.DataFrame, photographs: int, failed: int = 0, seed: int = 0, fewest: int = FEWEST) -> Record:
    """The summary of an audit, as it is written to JSON; every estimate is ``{"value", "low", "high", "n"}``.

    Args:
        table: from :func:`detcam.audits.table.read_table`.
        photographs: number of diagnosed photographs, with those that have no row.
        failed: number of photographs that failed.
        seed: of all random draws.
        fewest: the number of photographs that a finding needs.
    """
    detections = table[table.kind == "detection"]
    codes = pd.factorize(detections.photograph)[0]
    edges = _edges(detections, codes, seed)
    summary: Record = {
        "schema_version": SCHEMA, "photographs": photographs, "failed": failed, "detections": len(detections),
        **_objects(table),
        "types": {kind.name: {"short_name": kind.short_name, "description": kind.sentence,
                              "count": _count(table, kind.name)} for kind in (*ERRORS, CORRECT)},
        "attention": _attention(detections, codes, seed),
        "correlations": _correlations(detections, codes, seed),
        "edges": edges, "shortcuts": _shortcuts(detections, codes, seed, fewest),
        "missed_by_verdict": _missed_by_verdict(table), "first_to_inspect": first_to_inspect(detections),
    }
    return summary | {"findings": findings_of(summary, fewest), "no_finding_reason": no_finding_reason(summary, fewest)}


def _objects(table: pd.DataFrame) -> Record:
    """The number of true objects and of those found; without crowds and difficult ones."""
    correct, missed = int((table.type == CORRECT.name).sum()), int((table.kind == "missed").sum())
    return {"objects": correct + missed, "objects_found": correct}


def _count(table: pd.DataFrame, name: str) -> int:
    """How often a type occurs; without missed objects for which TIDE counts another error."""
    rows = table[table.type == name]
    if name != MISSED.name:
        return len(rows)
    return int((~rows.counted_elsewhere.astype("boolean").fillna(False)).sum())


def _attention(detections: pd.DataFrame, codes: NDArray[np.int64], seed: int) -> list[Record]:
    """How the heat of each type of error differs from that of correct boxes."""
    lines = []
    types = [kind.name for kind in ERRORS if (detections.type == kind.name).any()]
    sizes = detections.canvas_size.to_numpy(float)
    correct = (detections.type == CORRECT.name).to_numpy()
    for name, values in box_numbers(detections).items():
        if name not in ATTENTION:
            continue
        known = mean(np.where(correct, values, np.nan), codes, RESAMPLES, seed)
        lines.append({"number": name, "type": CORRECT.name, "mean": record(*known)})
        for kind in types:
            of_type = (detections.type == kind).to_numpy()
            pair = of_type | correct
            lines.append({
                "number": name, "type": kind,
                "mean": record(*mean(np.where(of_type, values, np.nan), codes, RESAMPLES, seed)),
                "effect": record(*cliffs_delta(values[pair], of_type[pair], codes[pair], None, RESAMPLES, seed)),
                "effect_size_adjusted": record(*cliffs_delta(values[pair], of_type[pair], codes[pair], sizes[pair],
                                                             RESAMPLES, seed))})
    return lines


def _correlations(detections: pd.DataFrame, codes: NDArray[np.int64], seed: int) -> list[Record]:
    """The correlation of each measure with the localization error, over boxes with a true box; baselines last."""
    errors = _errors(detections)
    known = np.flatnonzero(np.isfinite(errors).all(1))
    detections, codes, errors = detections.iloc[known], codes[known], errors[known]
    sizes = detections.canvas_size.to_numpy(float)
    lines: list[Record] = []
    for name, values in {**edge_numbers(detections), **box_numbers(detections), **_baselines(detections, seed)}.items():
        of_edges = values.ndim == 2
        target = errors.mean(1) if of_edges else 1 - detections.iou.to_numpy(float)
        rho = rank_correlation(values.mean(1) if of_edges else values, target, sizes, codes, RESAMPLES, seed)
        line: Record = {"number": name, "against": "edge error" if of_edges else "1 - IoU",
                        "rho": record(rho.raw, rho.n), "size_adjusted": record(rho.size_adjusted, rho.n),
                        "baseline": name in BASELINES}
        if of_edges:
            line["worst_edge_named"] = record(*worst_edge_rate(values, errors, codes, SOUND, RESAMPLES, seed))
        lines.append(line)
    return [line for line in lines if line["rho"]["value"] is not None]


def _baselines(detections: pd.DataFrame, seed: int) -> dict[str, NDArray[np.float64]]:
    size = detections.canvas_size.to_numpy(float)
    values = [1 / size.clip(1), np.random.default_rng(seed).random(len(detections))]
    return dict(zip(BASELINES, values, strict=True))


def _errors(detections: pd.DataFrame) -> NDArray[np.float64]:
    """``[N, 4]`` distance of each edge (left, top, right, bottom) from the true one, over the true width or height."""
    return np.abs(detections[[f"{edge}_error_share" for edge in EDGES]].to_numpy(float))


def _edges(detections: pd.DataFrame, codes: NDArray[np.int64], seed: int) -> list[Record]:
    """For each edge its error, its direction, and how often it is the worst of its box; over boxes with a true box."""
    worst = detections.worst_edge.to_numpy(object)
    misplaced = (detections.worst_error.abs() > SOUND).to_numpy()
    lines = []
    for edge in EDGES:
        error = detections[f"{edge}_error_share"].to_numpy(float)
        pixels = detections[f"{edge}_error_px"].abs().to_numpy(float)
        known = np.isfinite(error)
        line = {
            "edge": edge, "limit": BIAS, "photographs": len(np.unique(codes[known])),
            "outward": record(*median(error, codes, RESAMPLES, seed)),
            "distance": record(*median(np.abs(error), codes, RESAMPLES, seed)),
            "distance_px": record(*median(pixels, codes, RESAMPLES, seed)),
            "misplaced": record(*mean(np.where(known, np.abs(error) > SOUND, np.nan), codes, RESAMPLES, seed)),
            "worst_of_misplaced": record(*mean(np.where(misplaced, worst == edge, np.nan), codes, RESAMPLES, seed)),
        }
        for name in ("beyond", "outside"):
            pull = np.where(error > SOUND, detections[f"{edge}_pull_{name}"].to_numpy(float), np.nan)
            line[f"pull_{name}"] = record(*median(pull, codes, RESAMPLES, seed))
        lines.append(line | _edge_occlusions(detections, edge, codes, seed))
    return lines


def _edge_occlusions(detections: pd.DataFrame, edge: str, codes: NDArray[np.int64], seed: int) -> Record:
    """How far an edge that is its box's worst moves inward when the region that moves it outward is occluded.

    Over the true width or height; beside the control occlusions.
    """
    tested = (detections.occlusion_edge == edge).fillna(False).to_numpy(bool)
    inward, control = (np.where(tested, -detections[name].to_numpy(float, na_value=np.nan), np.nan).clip(-1, 1)
                       for name in ("occlusion_edge_moved", "occlusion_edge_control_moved"))
    return {"occlusion_inward": record(*mean(inward, codes, RESAMPLES, seed)),
            "control_inward": record(*mean(control, codes, RESAMPLES, seed)),
            "extra_inward": record(*mean(inward - control, codes, RESAMPLES, seed))}


def _shortcuts(detections: pd.DataFrame, codes: NDArray[np.int64], seed: int, fewest: int) -> list[Record]:
    """The evidence for each shortcut pattern, over boxes that found their objects; from interventions if there are any.
    """
    correct = np.flatnonzero(detections.type == CORRECT.name)
    columns = {name: detections[name].to_numpy(object if COLUMNS[name] == STRING else float, na_value=_missing(name))
               [correct] for name in detections.columns if COLUMNS.get(name) in (STRING, FLOAT)}
    if not len(correct):
        return []
    return [{"name": finding.name, "where": finding.where, "effect": record(finding.effect, finding.boxes),
             "limit": plain(finding.limit), "named": finding.named, "rests_on": finding.rests_on,
             "flagged": finding.flagged, "photographs": finding.photographs,
             "excess": record(finding.excess, finding.boxes)}
            for finding in find_shortcuts(columns, codes[correct], RESAMPLES, seed, fewest)]


def _missing(name: str) -> Any:
    return None if COLUMNS[name] == STRING else np.nan


def _missed_by_verdict(table: pd.DataFrame) -> dict[str, int]:
    """How many objects were missed, by the verdict on the best raw row of each."""
    missed = table[table.kind == "missed"]
    return {str(verdict): int(count) for verdict, count in missed.verdict.fillna("not known").value_counts().items()}


def first_to_inspect(detections: pd.DataFrame, most: int = FIRST) -> list[Record]:
    """The most confident and most wrong detections: the first of each type of error, then the second, and so on.

    Within a type they are sorted by score times 1 - IoU with the true box (0 without one). Over all types together,
    background errors, which have no true box, would leave no room for others.

    Args:
        detections: the rows of an audit's table that are detections.
        most: how many at most.
    """
    wrong = detections[~detections.type.isin([CORRECT.name, IGNORED.name])]
    weight = wrong.score * (1 - wrong.iou.fillna(0))
    turn = weight.groupby(wrong.type).rank(ascending=False, method="first")
    order = pd.DataFrame({"turn": turn, "weight": -weight}).sort_values(["turn", "weight"], kind="stable").index[:most]
    names = ("photograph", "number", "type", "class_name", "score", "iou", "worst_edge", "worst_error", "x1", "y1",
             "x2", "y2", "true_x1", "true_y1", "true_x2", "true_y2", "heatmap", "heatmap_key")
    return [{name: plain(wrong.at[i, name]) for name in names} for i in order]
