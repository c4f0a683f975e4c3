"""From estimates to findings: what a comparison reports, where an interval widened for the many tests excludes 0."""

from collections.abc import Iterator
from typing import Any

from scipy.stats import norm, t

from detcam.diagnosis.error_types import MISSED

Record = dict[str, Any]

LEVEL = 0.05  # how often, at most, two detectors that do not differ get a finding
LEAST = 5  # photographs: with fewer, an interval from resampling them means nothing
LENGTHS = {"left": "width", "right": "width", "top": "height", "bottom": "height"}


def findings_of(summary: Record) -> Record:
    """The ``findings`` of a comparison, and the number of ``tests`` that they are from.

    A finding is ``name``, ``sentence``, the ``estimate`` that it rests on, and ``better``: whether it speaks for B,
    None where it speaks for neither. There are about thirty tests, and of so many 95 % intervals one or two miss the
    truth by chance. So each interval is widened by Bonferroni's correction, with Student's t for the number of
    photographs, and has to exclude 0 even then.

    Args:
        summary: from :func:`detcam.audits.comparison.compare_tables`, without its findings.
    """
    tests = [test for test in _tests(summary) if test[1]["value"] is not None]
    return {"tests": len(tests), "findings": [
        {"name": name, "sentence": sentence, "estimate": estimate, "better": better}
        for name, estimate, sentence, better in tests if _excludes_zero(estimate, len(tests))]}


def _excludes_zero(estimate: Record, tests: int) -> bool:
    """Whether an estimate's interval excludes 0 after it is widened for the number of tests."""
    if estimate["photographs"] < LEAST:
        return False
    tail = LEVEL / 2
    wider = float(t.ppf(1 - tail / tests, estimate["photographs"] - 1) / norm.ppf(1 - tail))
    value = estimate["value"]
    low, high = (value + wider * (estimate[end] - value) for end in ("low", "high"))
    return bool(low > 0 or high < 0)


def _tests(summary: Record) -> Iterator[tuple[str, Record, str, bool | None]]:
    """Every test: its name, its estimate, the finding in words, and whether that speaks for B."""
    recall, iou = summary["recall"], summary["iou"]
    yield "recall", recall["change"], (
        f"B finds {'more' if _rises(recall) else 'fewer'} of the objects: {_instead(recall, '.0%')}."), _rises(recall)
    for line in summary["errors"]:
        if line["short_name"] != MISSED.short_name:  # their number follows from the recall
            yield f"errors: {line['name']}", line["change"], _error_sentence(line), not _rises(line)
    yield "IoU", iou["change"], (
        f"On objects that both find, B's boxes fit {'better' if _rises(iou) else 'worse'}: mean IoU "
        f"{_instead(iou, '.2f')}."), _rises(iou)
    for line in summary["edges"]:
        yield f"{line['edge']} edge", line["change"], (
            f"On objects that both find, B's {line['edge']} edges are {'less' if _rises(line) else 'more'} accurate: "
            f"mean error {_instead(line, '.1%')} of the true {LENGTHS[line['edge']]}."), not _rises(line)
    for line in summary["attention"]:
        for group, verb in (("better", "improved"), ("worse", "got worse")):
            estimate = line[f"{group}_minus_rest_size_adjusted"]
            yield f"{line['number']}: {group}", estimate, (
                f"On objects that {verb} in B, {line['number']} changed by {_interval(estimate, '+.2f')} relative to "
                "unchanged objects of similar size."), None


def _error_sentence(line: Record) -> str:
    what = f"{line['name']} errors" if line["short_name"] else line["name"].removeprefix("all ")
    return f"B makes {'more' if _rises(line) else 'fewer'} {what} per photograph: {_instead(line, '.2f')}."


def _rises(pair: Record) -> bool:
    return bool((pair["change"]["value"] or 0.0) > 0)


def _instead(pair: Record, form: str) -> str:
    """``"84% instead of 78% (+6% [+2%, +9%])"``."""
    if pair["change"]["value"] is None:
        return "unknown"
    a, b = (f"{pair[side]['value']:{form}}" for side in ("a", "b"))
    return f"{b} instead of {a} ({_interval(pair['change'], '+' + form)})"


def _interval(estimate: Record, form: str) -> str:
    if estimate["value"] is None:
        return "unknown"
    return f"{estimate['value']:{form}} [{estimate['low']:{form}}, {estimate['high']:{form}}]"
