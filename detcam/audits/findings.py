"""What an audit dares to say in a sentence: rules on its numbers, each with a threshold and an interval."""

from typing import Any

from detcam.stats.bootstrap import FEWEST, MIN_BOXES

BIAS = 0.05  # of the true width or height: a median edge error beyond it, with its whole interval, is systematic
PULLED = 0.15  # of the median error: by so much, beyond its controls, has hiding to bring in an edge to be why
WORDS = {"left": ("too far left", "too far right"), "top": ("too high", "too low"),
         "right": ("too far right", "too far left"), "bottom": ("too low", "too high")}
"""An edge that lies outside the true one, and one that lies inside, in words."""
SIZES = {"left": ("wide", "narrow"), "right": ("wide", "narrow"), "top": ("tall", "short"), "bottom": ("tall", "short")}


def findings_of(summary: dict[str, Any], fewest: int = FEWEST) -> list[dict[str, Any]]:
    """The findings of a summary: ``name``, ``sentence``, and the ``estimate`` that each rests on.

    Args:
        summary: without its findings.
        fewest: on how many photographs an edge's error has to rest at least for anything to be said of it.
    """
    edges = [found for each in summary["edges"]
             if each["photographs"] >= fewest and (found := _biased(each)) is not None]
    return edges + [_shortcut(each) for each in summary["shortcuts"] if each["named"]]


def no_finding_reason(summary: dict[str, Any], fewest: int = FEWEST) -> str:
    """What is said where nothing was found: whether that means anything.

    Args:
        summary, fewest: as :func:`findings_of` takes them.
    """
    placed = max((each["photographs"] for each in summary["edges"]), default=0)
    if placed < fewest:
        return _too_few("to call anything systematic", placed, fewest)
    hidden = [each["photographs"] for each in summary["shortcuts"] if each["rests_on"] == "intervention"]
    edges = "Nothing is systematically wrong with the edges"
    if not hidden:
        return f"{edges}; shortcuts are looked for with --intervene."
    if max(hidden) < fewest:
        return f"{edges}. {_too_few('to call anything a shortcut', max(hidden), fewest)}"
    return f"{edges}, and no shortcut was found."


def _too_few(for_what: str, photographs: int, fewest: int) -> str:
    return f"Too few photographs with boxes on true objects {for_what}: {photographs}, and it takes {fewest}."


def _biased(line: dict[str, Any]) -> dict[str, Any] | None:
    """An edge that is systematically off to one side."""
    outward, edge = line["outward"], line["edge"]
    if outward["value"] is None or not (outward["low"] > BIAS or outward["high"] < -BIAS):
        return None
    inside = outward["value"] < 0
    side, too = WORDS[edge][inside], SIZES[edge][inside]
    low, high = sorted((abs(outward["low"]), abs(outward["high"])))
    size = "height" if edge in ("top", "bottom") else "width"
    pulled = None if inside else _is_pulled(line)
    return {"name": f"{edge} edge {side}", "edge": edge, "estimate": outward, "pulled": pulled,
            "sentence": f"Boxes are too {too}: their {edge} edges lie {abs(outward['value']):.0%} [{low:.0%}, "
                        f"{high:.0%}] of the true {size} {side}.{'' if pulled is None else _cause(line, size, pulled)}"}


def _is_pulled(line: dict[str, Any]) -> bool | None:
    """Whether what an edge's maps point to beyond the true edge holds it there; None where too few were asked."""
    extra = line["hidden_extra"]
    if extra["value"] is None or extra["n"] < MIN_BOXES:
        return None
    return bool(extra["low"] > PULLED * line["outward"]["value"])


def _cause(line: dict[str, Any], size: str, pulled: bool) -> str:
    """What hiding decides about an edge that lies too far out."""
    moved = line["hidden"]
    amount, beside = f"{moved['value']:.1%}", f"as much hidden elsewhere: {line['hidden_control']['value']:.1%}"
    if not pulled:
        return (f" What their maps point to beyond the true edge is not why: hidden, it brings them in by {amount} of "
                f"the {size} ({beside}).")
    return (f" {line['pull_beyond']['value']:.0%} of what pulls them out lies beyond the true edge, and hidden where "
            f"that pull is strongest, they come in by {amount} [{moved['low']:.1%}, {moved['high']:.1%}] of the "
            f"{size} ({beside}).")


def _shortcut(line: dict[str, Any]) -> dict[str, Any]:
    """A shortcut that was named, in words."""
    effect, where = line["effect"], line["where"]
    what = {"corners": f"It rests on the photograph's {where} corner",
            "context": "It rests on something beside the object",
            "spread": "It needs the surroundings as a whole",
            "one side": f"It rests on the {where} half of the object"}[line["name"]]
    than = {"corners": "hiding it takes {} more of the score than hiding as much elsewhere",
            "context": "hiding the hottest spot around takes {} more of the score than hiding as much elsewhere",
            "spread": "hiding all around the objects takes {} of the score, and no single spot does",
            "one side": "hiding it takes {} more of the score than hiding the other half"}[line["name"]]
    amount = f"{effect['value']:.0%} [{effect['low']:.0%}, {effect['high']:.0%}]"
    basis = than.format(amount) if line["rests_on"] == "intervention" else (
        f"its heat exceeds chance by {amount} (by heat alone: run it with --intervene to be sure)")
    return {"name": line["name"] + (f": {where}" if where else ""), "estimate": effect, "rests_on": line["rests_on"],
            "sentence": f"{what}: {basis}."}
