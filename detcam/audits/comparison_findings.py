"""What a comparison dares to say in a sentence: where the interval, widened for the many questions, leaves out 0."""

from collections.abc import Iterator
from typing import Any

from scipy.stats import norm, t

Record = dict[str, Any]

LEVEL = 0.05  # how often, at most, something is said of two detectors between which nothing differs
LEAST = 5  # photographs: with fewer, an interval from resampling them means nothing
LENGTHS = {"left": "width", "right": "width", "top": "height", "bottom": "height"}


def findings_of(summary: Record) -> Record:
    """The ``findings`` of a comparison, and to how many ``questions`` they answer.

    A finding is ``name``, ``sentence``, the ``estimate`` that it rests on, and ``better``: whether it speaks for B,
    None where it speaks for neither. About thirty questions are asked, and of as many 95 % intervals one or two miss
    the truth. So an interval counts as leaving out 0 only where it still does when it is widened as Bonferroni's
    correction asks, with Student's t for the number of photographs.
    """
    asked = [each for each in _questions(summary) if each[1]["value"] is not None]
    return {"questions": len(asked), "findings": [
        {"name": name, "sentence": sentence, "estimate": estimate, "better": better}
        for name, estimate, sentence, better in asked if _differs(estimate, len(asked))]}


def _differs(estimate: Record, questions: int) -> bool:
    """Whether an estimate's widened interval leaves out 0."""
    if estimate["photographs"] < LEAST:
        return False
    tail = LEVEL / 2
    wider = float(t.ppf(1 - tail / questions, estimate["photographs"] - 1) / norm.ppf(1 - tail))
    value = estimate["value"]
    low, high = (value + wider * (estimate[end] - value) for end in ("low", "high"))
    return bool(low > 0 or high < 0)


def _questions(summary: Record) -> Iterator[tuple[str, Record, str, bool | None]]:
    """Every question: its name, the estimate that answers it, the answer in words, and whether it speaks for B."""
    recall = summary["recall"]
    up = _up(recall)
    yield "recall", recall["change"], (
        f"B finds {'more' if up else 'fewer'} of the objects: {_instead(recall, '.0%')}."), up
    for each in summary["errors"]:
        if each["letter"] != "M":  # which is the recall again
            up = _up(each)
            what = each["name"] if not each["letter"] else f"{each['name']} errors"
            yield f"errors: {each['name']}", each["change"], (
                f"B makes {'more' if up else 'fewer'} {what.removeprefix('all ')}: {_instead(each, '.2f')} a "
                "photograph."), not up
    iou = summary["iou"]
    yield "IoU", iou["change"], (f"Boxes of objects that both find lie {'closer' if _up(iou) else 'farther off'} in B: "
                                 f"mean IoU {_instead(iou, '.2f')}."), _up(iou)
    for each in summary["edges"]:
        up = _up(each)
        yield f"{each['edge']} edge", each["change"], (
            f"B places {each['edge']} edges {'worse' if up else 'better'}: off by {_instead(each, '.1%')} of the true "
            f"{LENGTHS[each['edge']]}."), not up
    for each in summary["attention"]:
        for group in ("better", "worse"):
            estimate = each[f"{group}_beyond_rest_of_like_size"]
            yield f"{each['number']}: {group}", estimate, (
                f"Objects that became {group} differ in {each['number']}: it changed by {_interval(estimate, '+.2f')} "
                "beyond that of the others of like size."), None


def _up(pair: Record) -> bool:
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
