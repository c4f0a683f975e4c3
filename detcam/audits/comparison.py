"""The comparison of two audits of the same data: what improved, what got worse, and how attention changed there."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

from detcam.audits.columns import COMPARED, EVIDENCE
from detcam.audits.comparison_findings import findings_of
from detcam.audits.finished import Finished, check_alike, read_finished, same_method
from detcam.audits.json_numbers import Record, plain, record
from detcam.audits.matched_objects import Matched, codes_of, matched
from detcam.diagnosis.error_types import ERRORS, MISSED
from detcam.errors import DataError
from detcam.imaging.boxes import EDGES
from detcam.stats.bootstrap import mean, median
from detcam.stats.effect_size import mean_difference

SCHEMA = 2
LETTERS = ("a", "b")
RESAMPLES = 1000
FIRST = 10  # objects to inspect first
FALSE_POSITIVES = "all false positives"

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Codes = NDArray[np.int64]


def compare(a: str | Path | Finished, b: str | Path | Finished) -> Record:
    """The comparison of two finished audits of the same data: what improved from A to B, and what got worse.

    Args:
        a: the folder that :func:`detcam.audit` wrote, or what :func:`detcam.audits.finished.read_finished` read.
        b: the same of the other audit.

    Returns:
        What ``detcam compare`` writes to ``comparison.json``: which audits they are, and :func:`compare_tables`.

    Raises:
        DataError: one is no finished audit, they have other annotations, classes or minimum scores, or no photograph is
            done in both.
    """
    a, b = (audit if isinstance(audit, Finished) else read_finished(Path(audit)) for audit in (a, b))
    check_alike(a.settings, b.settings, (a.name, b.name))
    done = _done_in_both(a, b)
    same = same_method(a.settings, b.settings)
    shared = {"classes": a.settings["classes"], "min_score": a.settings["min_score"], "same_method": same}
    sides = {letter: _side(audit) for letter, audit in zip(LETTERS, (a, b), strict=True)}
    return {"schema_version": SCHEMA} | sides | shared | compare_tables(a.table, b.table, done, attention=same)


def _done_in_both(a: Finished, b: Finished) -> list[str]:
    """The names of the photographs that are done in both audits.

    Raises:
        DataError: there are none.
    """
    done = sorted(set(a.photographs) & set(b.photographs))
    if not done:
        raise DataError(f"{a.name} and {b.name} cannot be compared: no photograph is done in both audits")
    return done


def _side(audit: Finished) -> Record:
    """Which audit it is."""
    side: Record = {"name": audit.name, "folder": str(audit.folder), "failed": len(audit.failed)}
    return side | {name: audit.settings.get(name) for name in ("architecture", "weights", "canvas")}


def compare_tables(a: pd.DataFrame, b: pd.DataFrame, photographs: Sequence[str], attention: bool = True, seed: int = 0
                   ) -> Record:
    """What changed from detector A to detector B, as it is written to JSON.

    Estimates are ``{"value", "low", "high", "n", "photographs"}``; the interval resamples photographs. A change is B
    minus A, paired by object, or by photograph where detections are counted.

    Args:
        a, b: from :func:`detcam.audits.table.read_table`, audits of the same annotations, classes and minimum score.
        photographs: the names of those that are done in both, with those that have no row.
        attention: whether the two audits' heatmaps are of the same method and layer, so that they can be compared.
        seed: of all random draws.

    Raises:
        DataError: the tables do not have the same true objects.
    """
    pair = matched(a, b, photographs)
    summary: Record = {"photographs": len(photographs), "objects": len(pair.objects)}
    summary |= _found(pair, seed)
    summary |= {"errors": _errors(a, b, photographs, seed), "edges": _edges(pair, seed), "moved": _moved(pair, seed)}
    summary["attention"] = _attention(pair, seed) if attention else []
    summary |= {"first_worse": _first(pair, pair.worse, -1), "first_better": _first(pair, pair.better, 1)}
    return summary | findings_of(summary)


def _mean(values: Array, codes: Codes, seed: int) -> Record:
    """The mean of the known values, with the number of photographs that they are on."""
    return record(*mean(values, codes, RESAMPLES, seed)) | _photographs(values, codes)


def _median(values: Array, codes: Codes, seed: int) -> Record:
    """The median of the known values, with the number of photographs that they are on."""
    return record(*median(values, codes, RESAMPLES, seed)) | _photographs(values, codes)


def _photographs(values: Array, codes: Codes) -> Record:
    return {"photographs": len(np.unique(codes[np.isfinite(values)]))}


def _paired(a: Array, b: Array, codes: Codes, seed: int) -> Record:
    """The means of two measures where both are known, and the mean of their difference."""
    known = np.isfinite(a) & np.isfinite(b)
    return {name: _mean(np.where(known, values, np.nan), codes, seed)
            for name, values in (("a", a), ("b", b), ("change", b - a))}


def _where_both_found(pair: Matched, name: str) -> tuple[Array, Array]:
    """A measure in A and in B, ``[N]`` each; NaN where not both found the object."""
    a, b = (np.where(pair.both, side[name].to_numpy(float), np.nan) for side in (pair.a, pair.b))
    return a, b


def _found(pair: Matched, seed: int) -> Record:
    """How many objects each found, the recall, and how well boxes fit objects that both found."""
    a, b = (side.found.to_numpy(bool) for side in (pair.a, pair.b))
    return {
        "found": {"both": int(pair.both.sum()), "only_a": int((a & ~b).sum()), "only_b": int((b & ~a).sum()),
                  "neither": int((~a & ~b).sum())},
        "recall": _paired(a.astype(float), b.astype(float), pair.codes, seed),
        "iou": _paired(*_where_both_found(pair, "iou"), pair.codes, seed),
        "score": _paired(*_where_both_found(pair, "score"), pair.codes, seed)}


def _errors(a: pd.DataFrame, b: pd.DataFrame, photographs: Sequence[str], seed: int) -> list[Record]:
    """Errors of each type per photograph, as TIDE counts them, and all types but missed objects together."""
    codes = np.arange(len(photographs))
    groups = [(kind.name, kind.short_name, [kind.name]) for kind in ERRORS]
    groups.append((FALSE_POSITIVES, "", [kind.name for kind in ERRORS if kind != MISSED]))
    lines = []
    for name, short_name, types in groups:
        first, second = (_counts(table, types, photographs) for table in (a, b))
        lines.append({"name": name, "short_name": short_name, "count_a": int(first.sum()),
                      "count_b": int(second.sum())} | _paired(first, second, codes, seed))
    return lines


def _counts(table: pd.DataFrame, types: Sequence[str], photographs: Sequence[str]) -> Array:
    """``[P]`` errors of some types on each photograph; without missed objects for which TIDE counts another error."""
    counted_elsewhere = table.counted_elsewhere.astype("boolean").fillna(False).to_numpy(bool)
    codes = codes_of(table.photograph[table.type.isin(list(types)).to_numpy(bool) & ~counted_elsewhere], photographs)
    return np.bincount(codes[codes >= 0], minlength=len(photographs)).astype(float)


def _edges(pair: Matched, seed: int) -> list[Record]:
    """Each edge's mean distance from the true one, and its median signed error, over the true width or height.

    Over objects that both found.
    """
    lines = []
    for edge in EDGES:
        outward_a, outward_b = _where_both_found(pair, f"{edge}_outward")
        lines.append({"edge": edge} | _paired(*_where_both_found(pair, f"{edge}_error"), pair.codes, seed) | {
            "outward_a": _median(outward_a, pair.codes, seed), "outward_b": _median(outward_b, pair.codes, seed),
            "outward_change": _median(outward_b - outward_a, pair.codes, seed)})
    return lines


def _moved(pair: Matched, seed: int) -> Record:
    """How many objects improved and got worse.

    With the exact sign test (McNemar's), which takes objects as independent, and the interval of the difference of
    their shares, which does not.
    """
    better, worse, both = pair.better, pair.worse, pair.both
    return {
        "better": int(better.sum()), "worse": int(worse.sum()), "same": int((~better & ~worse).sum()),
        "newly_found": int((better & ~both).sum()), "newly_missed": int((worse & ~both).sum()),
        "placed_better": int((better & both).sum()), "placed_worse": int((worse & both).sum()),
        "p_moved": _sign_test(better, worse), "p_found": _sign_test(better & ~both, worse & ~both),
        "net": _mean(better.astype(float) - worse, pair.codes, seed),
    }


def _sign_test(better: Mask, worse: Mask) -> float:
    """The probability of a split as unequal as this one, if each object improved or got worse with equal chance."""
    trials = int(better.sum() + worse.sum())
    return float(binomtest(int(better.sum()), trials).pvalue) if trials else 1.0


def _attention(pair: Matched, seed: int) -> list[Record]:
    """How each measure changed on objects that improved, on those that got worse, and on the rest."""
    groups = {"better": pair.better, "worse": pair.worse, "rest": ~pair.better & ~pair.worse}
    lines = []
    for name in (*COMPARED, EVIDENCE):
        change = pair.change(name)
        if np.isfinite(change).any():
            line: Record = {"number": name, "all": _mean(change, pair.codes, seed)}
            line |= {group: _mean(np.where(members, change, np.nan), pair.codes, seed)
                     for group, members in groups.items()}
            line |= _minus_rest(pair, change, "better", seed) | _minus_rest(pair, change, "worse", seed)
            lines.append(line)
    return lines


def _minus_rest(pair: Matched, change: Array, group: str, seed: int) -> Record:
    """The mean change on objects that improved (``"better"``) or got worse, minus that on the rest.

    Over all of them, and among objects of similar size.
    """
    members: Mask = getattr(pair, group)
    pool = members | ~(pair.better | pair.worse)
    sizes = pair.objects["size"].to_numpy(float)[pool]
    photographs = _photographs(np.where(members, change, np.nan), pair.codes)

    def difference(sizes: Array | None) -> Record:
        return record(*mean_difference(change[pool], members[pool], pair.codes[pool], sizes, RESAMPLES, seed))

    return {f"{group}_minus_rest": difference(None) | photographs,
            f"{group}_minus_rest_size_adjusted": difference(sizes) | photographs}


def _first(pair: Matched, chosen: Mask, sign: int) -> list[Record]:
    """The objects whose IoU changed most (0 where they were not found); among equals, the higher score first."""
    score = np.fmax(*(np.where(side.found, side.score.to_numpy(float), 0.0) for side in (pair.a, pair.b)))
    rows = np.flatnonzero(chosen)
    rows = rows[np.lexsort((-score[rows], -sign * pair.change("iou")[rows]))][:FIRST]
    return [_inspected(pair, int(row)) for row in rows]


def _inspected(pair: Matched, row: int) -> Record:
    """An object to inspect, with what each detector made of it."""
    line = {name: plain(pair.objects.at[row, name]) for name in pair.objects.columns if name != "size"}
    for letter, side in zip(LETTERS, (pair.a, pair.b), strict=True):
        line |= {f"{name}_{letter}": plain(side.at[row, name])
                 for name in ("found", "iou", "number", "score", "verdict", "heatmap", "heatmap_key")}
    return line
