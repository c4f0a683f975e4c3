"""What two audits of the same data say together: what became better, what worse, and how attention changed there."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

from detcam.audits.columns import COMPARED, EVIDENCE
from detcam.audits.comparison_findings import findings_of
from detcam.audits.finished import Finished, check_alike, read_finished, same_heat
from detcam.audits.json_numbers import Record, plain, record
from detcam.audits.matched_objects import Matched, codes_of, matched
from detcam.diagnosis.error_types import ERRORS, MISSED
from detcam.errors import DataError
from detcam.imaging.boxes import EDGES
from detcam.stats.bootstrap import mean, median
from detcam.stats.effect_size import mean_difference

LETTERS = ("a", "b")
RESAMPLES = 1000
FIRST = 10  # objects to look at first
FALSE_POSITIVES = "all false positives"

Array = NDArray[np.float64]


def compare_tables(a: pd.DataFrame, b: pd.DataFrame, photographs: Sequence[str], attention: bool = True, seed: int = 0
                   ) -> Record:
    """What changed from detector A to detector B, as JSON knows it.

    Estimates are ``{"value", "low", "high", "n", "photographs"}``; the interval resamples photographs, and a change is
    B minus A, paired: by object, or by photograph where detections are counted.

    Args:
        a, b: from :func:`detcam.audits.table.read_table`, audits of the same annotations, classes and minimum score.
        photographs: the names of those that are done in both, those without any row too.
        attention: whether the heatmaps of the two are of one method, so that they may be compared.
        seed: where draws start from.

    Raises:
        DataError: the tables do not know the same true objects.
    """
    pair = matched(a, b, photographs)
    found = [side.found.to_numpy(bool) for side in (pair.a, pair.b)]
    summary: Record = {
        "photographs": len(photographs), "objects": len(pair.objects),
        "found": {"both": int(pair.both.sum()), "only_a": int((found[0] & ~found[1]).sum()),
                  "only_b": int((found[1] & ~found[0]).sum()), "neither": int((~found[0] & ~found[1]).sum())},
        "recall": _paired(found[0].astype(float), found[1].astype(float), pair.codes, seed),
        "iou": _of_both(pair, "iou", seed), "score": _of_both(pair, "score", seed),
        "errors": _errors(a, b, photographs, seed), "edges": _edges(pair, seed), "moved": _moved(pair, seed),
        "attention": _attention(pair, seed) if attention else [],
        "first_worse": _first(pair, pair.worse, -1), "first_better": _first(pair, pair.better, 1),
    }
    return summary | findings_of(summary)


def _mean(values: Array, codes: NDArray[np.int64], seed: int) -> Record:
    """The mean of the known values, with how many photographs they are on."""
    return record(*mean(values, codes, RESAMPLES, seed)) | _spread(values, codes)


def _spread(values: Array, codes: NDArray[np.int64]) -> Record:
    return {"photographs": len(np.unique(codes[np.isfinite(values)]))}


def _paired(a: Array, b: Array, codes: NDArray[np.int64], seed: int) -> Record:
    """The means of two numbers where both are known, and that of the difference."""
    known = np.isfinite(a) & np.isfinite(b)
    return {name: _mean(np.where(known, values, np.nan), codes, seed)
            for name, values in (("a", a), ("b", b), ("change", b - a))}


def _of_both(pair: Matched, name: str, seed: int) -> Record:
    """A number of the objects that both found."""
    a, b = (np.where(pair.both, side[name].to_numpy(float), np.nan) for side in (pair.a, pair.b))
    return _paired(a, b, pair.codes, seed)


def _errors(a: pd.DataFrame, b: pd.DataFrame, photographs: Sequence[str], seed: int) -> list[Record]:
    """Errors of each type a photograph, as TIDE counts them, and all but the missed objects together."""
    lines = []
    codes = np.arange(len(photographs))
    false = [each.name for each in ERRORS if each != MISSED]
    kinds = [(each.name, each.letter, [each.name]) for each in ERRORS]
    for name, letter, names in [*kinds, (FALSE_POSITIVES, "", false)]:
        first, second = (_counts(table, names, photographs) for table in (a, b))
        lines.append({"name": name, "letter": letter, "count_a": int(first.sum()), "count_b": int(second.sum())}
                     | _paired(first, second, codes, seed))
    return lines


def _counts(table: pd.DataFrame, names: Sequence[str], photographs: Sequence[str]) -> Array:
    """How many errors of some types each photograph has; without the missed objects on which another error stands."""
    counted_elsewhere = table.counted_elsewhere.astype("boolean").fillna(False).to_numpy(bool)
    codes = codes_of(table.photograph[table.type.isin(list(names)).to_numpy(bool) & ~counted_elsewhere], photographs)
    return np.bincount(codes[codes >= 0], minlength=len(photographs)).astype(float)


def _edges(pair: Matched, seed: int) -> list[Record]:
    """How far each edge is off, over the true width or height, and the median of which way: objects that both found."""
    lines = []
    for edge in EDGES:
        line: Record = {"edge": edge} | _of_both(pair, f"{edge}_error", seed)
        sides = [np.where(pair.both, side[f"{edge}_outward"].to_numpy(float), np.nan) for side in (pair.a, pair.b)]
        for name, values in zip(("outward_a", "outward_b", "outward_change"), (*sides, sides[1] - sides[0]),
                                strict=True):
            line[name] = record(*median(values, pair.codes, RESAMPLES, seed)) | _spread(values, pair.codes)
        lines.append(line)
    return lines


def _moved(pair: Matched, seed: int) -> Record:
    """How many objects became better and worse, with the exact sign test (McNemar's), which takes objects as
    independent, and the interval of the difference of their shares, which does not."""
    better, worse, both = pair.better, pair.worse, pair.both
    return {
        "better": int(better.sum()), "worse": int(worse.sum()), "same": int((~better & ~worse).sum()),
        "found_now": int((better & ~both).sum()), "lost_now": int((worse & ~both).sum()),
        "placed_better": int((better & both).sum()), "placed_worse": int((worse & both).sum()),
        "p_moved": _sign_test(better, worse), "p_found": _sign_test(better & ~both, worse & ~both),
        "net": _mean(better.astype(float) - worse, pair.codes, seed),
    }


def _sign_test(better: NDArray[np.bool_], worse: NDArray[np.bool_]) -> float:
    """How likely as unequal a split of these objects is where better and worse are equally likely."""
    trials = int(better.sum() + worse.sum())
    return float(binomtest(int(better.sum()), trials).pvalue) if trials else 1.0


def _attention(pair: Matched, seed: int) -> list[Record]:
    """How each number changed on objects that became better, on those that became worse, and on the rest."""
    groups = {"better": pair.better, "worse": pair.worse, "rest": ~pair.better & ~pair.worse}
    sizes, lines = pair.objects["size"].to_numpy(float), []
    for name in (*COMPARED, EVIDENCE):
        change = pair.change(name)
        if not np.isfinite(change).any():
            continue
        line: Record = {"number": name, "all": _mean(change, pair.codes, seed)}
        line |= {group: _mean(np.where(own, change, np.nan), pair.codes, seed) for group, own in groups.items()}
        for group in ("better", "worse"):
            own = groups[group]
            pool = own | groups["rest"]
            spread = _spread(np.where(own, change, np.nan), pair.codes)
            for end, size in (("", None), ("_of_like_size", sizes[pool])):
                line[f"{group}_beyond_rest{end}"] = record(*mean_difference(
                    change[pool], own[pool], pair.codes[pool], size, RESAMPLES, seed)) | spread
        lines.append(line)
    return lines


def _first(pair: Matched, chosen: NDArray[np.bool_], sign: int) -> list[Record]:
    """The objects that moved most by IoU (0 where they were not found), the surer first among equals."""
    score = np.fmax(*(np.where(side.found, side.score.to_numpy(float), 0.0) for side in (pair.a, pair.b)))
    rows = np.flatnonzero(chosen)
    rows = rows[np.lexsort((-score[rows], -sign * pair.change("iou")[rows]))][:FIRST]
    found = []
    for row in rows:
        line = {name: plain(pair.objects.at[row, name]) for name in pair.objects.columns if name != "size"}
        for letter, side in (("a", pair.a), ("b", pair.b)):
            line |= {f"{name}_{letter}": plain(side.at[row, name])
                     for name in ("found", "iou", "number", "score", "why", "heatmap", "heatmap_key")}
        found.append(line)
    return found



def compare(a: str | Path | Finished, b: str | Path | Finished) -> Record:
    """Compare two finished audits of the same data: what became better from A to B, what worse, and how attention
    changed there.

    Args:
        a, b: the folders that :func:`detcam.audit` wrote, or what :func:`detcam.audits.finished.read_finished` read.

    Returns:
        What ``detcam compare`` writes as ``comparison.json``: what the two audits are of, and :func:`compare_tables`.

    Raises:
        DataError: one is no finished audit, they are not alike, or no photograph is done in both.
    """
    a, b = (each if isinstance(each, Finished) else read_finished(Path(each)) for each in (a, b))
    check_alike(a.settings, b.settings, (a.name, b.name))
    done = sorted(set(a.photographs) & set(b.photographs))
    if not done:
        raise DataError(f"{a.name} and {b.name} cannot be compared: no photograph is done in both audits")
    head = {letter: {"name": each.name, "folder": str(each.folder), "failed": len(each.failed)}
            | {name: each.settings.get(name) for name in ("architecture", "weights", "canvas")}
            for letter, each in zip(LETTERS, (a, b), strict=True)}
    heat = same_heat(a.settings, b.settings)
    return head | {"classes": a.settings["classes"], "min_score": a.settings["min_score"], "same_heat": heat} | (
        compare_tables(a.table, b.table, done, attention=heat))
