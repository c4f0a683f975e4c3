"""What the rows of an audit say together: sizes of effect, intervals from resampling photographs, and like sizes."""

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

RESAMPLES = 1000
FIRST = 10  # detections to look at first


def summarise(table: pd.DataFrame, photographs: int, failed: int = 0, seed: int = 0, fewest: int = FEWEST) -> Record:
    """Everything that a data set's audit says, as JSON knows it: estimates are ``{"value", "low", "high", "n"}``.

    Args:
        table: from :func:`detcam.audits.table.read_table`.
        photographs: how many photographs were diagnosed, those without any row too.
        failed: how many were not.
        seed: where draws start from.
        fewest: photographs that a finding needs at least.
    """
    found = table[table.kind == "detection"]
    codes = pd.factorize(found.photograph)[0]
    edges = _edges(found, codes, seed)
    summary: Record = {
        "photographs": photographs, "failed": failed, "detections": len(found), **_objects(table),
        "types": {each.name: {"letter": each.letter, "what": each.sentence, "count": _count(table, each.name)}
                  for each in (*ERRORS, CORRECT)},
        "attention": _attention(found, codes, seed),
        "correlations": _correlations(found, codes, seed),
        "edges": edges, "shortcuts": _shortcuts(found, codes, seed, fewest), "lost": _lost(table),
        "first": first_to_look_at(found),
    }
    return summary | {"findings": findings_of(summary, fewest), "silence": no_finding_reason(summary, fewest)}


def _objects(table: pd.DataFrame) -> Record:
    """How many true objects there are, and how many of them were found: crowds and difficult ones aside."""
    correct, missed = int((table.type == CORRECT.name).sum()), int((table.kind == "missed").sum())
    return {"objects": correct + missed, "objects_found": correct}


def _count(table: pd.DataFrame, name: str) -> int:
    """How often a type occurs; missed objects on which another error stands count there alone, as TIDE has it."""
    own = table[table.type == name]
    return int((~own.counted_elsewhere.astype("boolean").fillna(False)).sum()) if name == MISSED.name else len(own)


def _attention(found: pd.DataFrame, codes: NDArray[np.int64], seed: int) -> list[Record]:
    """How the attention of each type of error differs from that of the boxes that found their objects."""
    lines = []
    types = [each.name for each in ERRORS if (found.type == each.name).any()]
    sizes = found.canvas_size.to_numpy(float)
    for name, values in box_numbers(found).items():
        if name not in ATTENTION:
            continue
        known = mean(np.where(found.type == CORRECT.name, values, np.nan), codes, RESAMPLES, seed)
        lines.append({"number": name, "type": CORRECT.name, "mean": record(*known)})
        for kind in types:
            own = (found.type == kind).to_numpy()
            pair = own | (found.type == CORRECT.name).to_numpy()
            lines.append({
                "number": name, "type": kind,
                "mean": record(*mean(np.where(own, values, np.nan), codes, RESAMPLES, seed)),
                "effect": record(*cliffs_delta(values[pair], own[pair], codes[pair], None, RESAMPLES, seed)),
                "effect_of_like_size": record(*cliffs_delta(values[pair], own[pair], codes[pair], sizes[pair],
                                                            RESAMPLES, seed))})
    return lines


def _correlations(found: pd.DataFrame, codes: NDArray[np.int64], seed: int) -> list[Record]:
    """How every number goes with the localization error of the boxes that have a true box, baselines last."""
    errors = _errors(found)
    own = np.flatnonzero(np.isfinite(errors).all(1))
    found, codes, errors = found.iloc[own], codes[own], errors[own]
    sizes = found.canvas_size.to_numpy(float)
    lines: list[Record] = []
    for name, values in {**edge_numbers(found), **box_numbers(found), **_baselines(found, seed)}.items():
        against = "edge error" if values.ndim == 2 else "1 - IoU"
        target = errors.mean(1) if values.ndim == 2 else 1 - found.iou.to_numpy(float)
        flat = values.mean(1) if values.ndim == 2 else values
        known = rank_correlation(flat, target, sizes, codes, RESAMPLES, seed)
        line: Record = {"number": name, "against": against, "rho": record(known.raw, known.n),
                "of_like_size": record(known.size_adjusted, known.n), "baseline": name in BASELINES}
        if values.ndim == 2:
            line["worst_edge_named"] = record(*worst_edge_rate(values, errors, codes, SOUND, RESAMPLES, seed))
        lines.append(line)
    return [line for line in lines if line["rho"]["value"] is not None]


def _baselines(found: pd.DataFrame, seed: int) -> dict[str, NDArray[np.float64]]:
    size = found.canvas_size.to_numpy(float)
    values = [1 / size.clip(1), np.random.default_rng(seed).random(len(found))]
    return dict(zip(BASELINES, values, strict=True))


def _errors(found: pd.DataFrame) -> NDArray[np.float64]:
    """``[N, 4]`` distance of each edge from the true one, over the true width or height."""
    return np.abs(found[[f"{edge}_error_share" for edge in EDGES]].to_numpy(float))


def _edges(found: pd.DataFrame, codes: NDArray[np.int64], seed: int) -> list[Record]:
    """How far each edge is off, which way, and how often it is the worst of its box; correct boxes and misplaced
    ones."""
    worst = found.worst_edge.to_numpy(object)
    bad = (found.worst_error.abs() > SOUND).to_numpy()
    lines = []
    for edge in EDGES:
        error = found[f"{edge}_error_share"].to_numpy(float)
        known = np.isfinite(error)
        lines.append({
            "edge": edge, "limit": BIAS, "photographs": len(np.unique(codes[known])),
            "outward": record(*median(error, codes, RESAMPLES, seed)),
            "distance": record(*median(np.abs(error), codes, RESAMPLES, seed)),
            "distance_px": record(*median(found[f"{edge}_error_px"].abs().to_numpy(float), codes, RESAMPLES, seed)),
            "bad": record(*mean(np.where(known, np.abs(error) > SOUND, np.nan), codes, RESAMPLES, seed)),
            "worst": record(*mean(np.where(bad, worst == edge, np.nan), codes, RESAMPLES, seed)),
        } | {f"pull_{name}": record(*median(np.where(error > SOUND, found[f"{edge}_pull_{name}"].to_numpy(float),
                                                     np.nan), codes, RESAMPLES, seed))
             for name in ("beyond", "outside")} | _hidden(found, edge, codes, seed))
    return lines


def _hidden(found: pd.DataFrame, edge: str, codes: NDArray[np.int64], seed: int) -> Record:
    """How far an edge that is its box's worst comes in, over width or height, when what pulls it out is hidden."""
    own = (found.hide_edge == edge).fillna(False).to_numpy(bool)
    moved, control = (np.where(own, -found[name].to_numpy(float, na_value=np.nan), np.nan).clip(-1, 1)
                      for name in ("hide_edge_moved", "hide_edge_control_moved"))
    return {"hidden": record(*mean(moved, codes, RESAMPLES, seed)),
            "hidden_control": record(*mean(control, codes, RESAMPLES, seed)),
            "hidden_extra": record(*mean(moved - control, codes, RESAMPLES, seed))}


def _shortcuts(found: pd.DataFrame, codes: NDArray[np.int64], seed: int, fewest: int) -> list[Record]:
    """Which shortcuts the detector takes, by intervention where there was one: of boxes that found their objects."""
    own = np.flatnonzero(found.type == CORRECT.name)
    columns = {name: found[name].to_numpy(object if COLUMNS[name] == STRING else float, na_value=_missing(name))[own]
               for name in found.columns if COLUMNS.get(name) in (STRING, FLOAT)}
    if not len(own):
        return []
    return [{"name": each.name, "where": each.where, "effect": record(each.effect, each.boxes),
             "limit": plain(each.limit), "named": each.named, "rests_on": each.rests_on, "flagged": each.flagged,
             "photographs": each.photographs, "excess": record(each.excess, each.boxes)}
            for each in find_shortcuts(columns, codes[own], RESAMPLES, seed, fewest)]


def _missing(name: str) -> Any:
    return None if COLUMNS[name] == STRING else np.nan


def _lost(table: pd.DataFrame) -> dict[str, int]:
    """Why objects were missed: the verdict on the raw row that speaks for each."""
    missed = table[table.kind == "missed"]
    return {str(why): int(count) for why, count in missed.why.fillna("not known").value_counts().items()}


def first_to_look_at(found: pd.DataFrame, most: int = FIRST) -> list[Record]:
    """The detections that are surest and most wrong, the first of every type of error, then the second, and so on.

    Within a type by score times 1 - IoU with the true box (0 without one): over all types that of background, which has
    no true box, would leave no room for another.
    """
    wrong = found[~found.type.isin([CORRECT.name, IGNORED.name])]
    weight = wrong.score * (1 - wrong.iou.fillna(0))
    turn = weight.groupby(wrong.type).rank(ascending=False, method="first")
    order = pd.DataFrame({"turn": turn, "weight": -weight}).sort_values(["turn", "weight"], kind="stable").index[:most]
    names = ("photograph", "number", "type", "class_name", "score", "iou", "worst_edge", "worst_error", "x1", "y1",
             "x2", "y2", "true_x1", "true_y1", "true_x2", "true_y2", "heatmap", "heatmap_key")
    return [{name: plain(wrong.at[each, name]) for name in names} for each in order]
