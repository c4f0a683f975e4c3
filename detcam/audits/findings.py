"""From estimates to findings: which numbers of an audit are reported as sentences, by thresholds and intervals."""

from typing import Any

from detcam.stats.bootstrap import FEWEST, MIN_BOXES

BIAS = 0.05  # of the true width or height: a median edge error beyond it, with its whole interval, is systematic
CAUSED = 0.15  # of the median error: occlusion has to move an edge inward by more, beyond its controls, to be a cause
DIRECTIONS = {"left": ("too far left", "too far right"), "top": ("too high", "too low"),
              "right": ("too far right", "too far left"), "bottom": ("too low", "too high")}
"""How to say that an edge lies outside the true one, and that it lies inside."""
SIZES = {"left": ("wide", "narrow"), "right": ("wide", "narrow"), "top": ("tall", "short"), "bottom": ("tall", "short")}


def findings_of(summary: dict[str, Any], fewest: int = FEWEST) -> list[dict[str, Any]]:
    """The findings of a summary: ``name``, ``sentence``, and the ``estimate`` that each rests on.

    Args:
        summary: from :func:`detcam.audits.summary.summarise`, without its findings.
        fewest: the number of photographs that an edge's error must be known on for a finding.
    """
    edges = [finding for line in summary["edges"]
             if line["photographs"] >= fewest and (finding := _edge_finding(line)) is not None]
    return edges + [_shortcut_finding(line) for line in summary["shortcuts"] if line["named"]]


def no_finding_reason(summary: dict[str, Any], fewest: int = FEWEST) -> str:
    """The sentence for an audit without findings: what was looked for, and whether there was enough to look at.

    Args:
        summary: from :func:`detcam.audits.summary.summarise`, without its findings.
        fewest: the number of photographs that a finding needs.
    """
    with_errors = max((line["photographs"] for line in summary["edges"]), default=0)
    if with_errors < fewest:
        return _too_few("edge errors", with_errors, fewest)
    occluded = [line["photographs"] for line in summary["shortcuts"] if line["rests_on"] == "intervention"]
    edges = "No systematic edge error was found."
    if not occluded:
        return f"{edges} Shortcuts were not tested: add --intervene."
    if max(occluded) < fewest:
        return f"{edges} {_too_few('shortcuts', max(occluded), fewest)}"
    return f"{edges} None of the tested shortcut patterns passed its limit."


def _too_few(what: str, photographs: int, fewest: int) -> str:
    return (f"Too few photographs to report {what}: {photographs} of them have boxes on true objects, and {fewest} are "
            "needed.")


def _edge_finding(line: dict[str, Any]) -> dict[str, Any] | None:
    """An edge that is systematically off to one side."""
    outward, edge = line["outward"], line["edge"]
    if outward["value"] is None or not (outward["low"] > BIAS or outward["high"] < -BIAS):
        return None
    inside = outward["value"] < 0
    direction, size = DIRECTIONS[edge][inside], SIZES[edge][inside]
    low, high = sorted((abs(outward["low"]), abs(outward["high"])))
    length = "height" if edge in ("top", "bottom") else "width"
    pulled = None if inside else _is_pulled(line)
    return {"name": f"{edge} edge {direction}", "edge": edge, "estimate": outward, "pulled": pulled,
            "sentence": f"Boxes are too {size}: their {edge} edges lie {direction}, by a median of "
                        f"{abs(outward['value']):.0%} [{low:.0%}, {high:.0%}] of the true {length}."
                        f"{'' if pulled is None else _occlusion_words(line, length, pulled)}"}


def _is_pulled(line: dict[str, Any]) -> bool | None:
    """Whether occluding the region beyond the true edge moves an edge inward; None where too few boxes were tested."""
    extra = line["extra_inward"]
    if extra["value"] is None or extra["n"] < MIN_BOXES:
        return None
    return bool(extra["low"] > CAUSED * line["outward"]["value"])


def _occlusion_words(line: dict[str, Any], length: str, pulled: bool) -> str:
    """What occlusion shows of an edge that lies too far outward."""
    moved = line["occlusion_inward"]
    amount, controls = f"{moved['value']:.1%}", f"(control occlusions: {line['control_inward']['value']:.1%})"
    if not pulled:
        return (f" Occluding the region beyond the true edge that their maps highlight moves them inward by {amount} "
                f"of the {length} {controls}. This does not show that the region is the cause.")
    return (f" {line['pull_beyond']['value']:.0%} of the evidence that moves them outward lies beyond the true edge. "
            f"Occluding the region where it is strongest moves them inward by {amount} [{moved['low']:.1%}, "
            f"{moved['high']:.1%}] of the {length} {controls}.")


def _shortcut_finding(line: dict[str, Any]) -> dict[str, Any]:
    """A shortcut whose effect passed its limit, as a sentence."""
    effect, where = line["effect"], line["where"]
    amount = f"{effect['value']:.0%} [{effect['low']:.0%}, {effect['high']:.0%}]"
    what = {"corners": f"the photograph's {where} corner", "context": "something beside the object",
            "spread": "the surroundings as a whole", "one side": f"the {where} half of the object"}[line["name"]]
    basis = {"corners": f"occluding it takes away {amount} more of the score than control occlusions do.",
             "context": f"occluding the region with the most heat around the object takes away {amount} more of the "
                        "score than control occlusions do.",
             "spread": f"occluding everything around the objects takes away {amount} of the score. Occluding one "
                       "corner, or the one region with the most heat, did not pass its limit.",
             "one side": f"occluding it takes away {amount} more of the score than occluding the other half."}
    sentence = f"Scores depend on {what}: {basis[line['name']]}" if line["rests_on"] == "intervention" else (
        f"Scores may depend on {what}: the heat there exceeds chance by {amount}. This is from heatmaps alone: confirm "
        "it with --intervene.")
    return {"name": line["name"] + (f": {where}" if where else ""), "estimate": effect, "rests_on": line["rests_on"],
            "sentence": sentence}
