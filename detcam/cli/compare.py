"""A comparison as the terminal shows it: the audits that are still to be done, and what they say together."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from detcam.audits.audit import names_of, settings_of
from detcam.audits.comparison import LETTERS, compare
from detcam.audits.finished import Finished, check_alike, is_audit, read_finished
from detcam.cli.audit import watched_audit, write_summary
from detcam.cli.comparison_table import print_comparison
from detcam.datasets.ground_truth import DataSet
from detcam.detectors.base import Detector
from detcam.errors import DataError, InputError, printable
from detcam.store.files import output_folder, written_whole

NAME = "comparison.json"


@dataclass(frozen=True)
class Side:
    """One of the two that are compared.

    Attributes:
        name: the model in the user's words, or the folder of a finished audit.
        detector: None for a finished audit.
    """

    name: str
    detector: Detector | None


def compare_job(sides: Sequence[Side], data: DataSet | None, out: Path, options: dict[str, Any]) -> int:
    """Audit what is not audited yet, compare and report; the exit code: 0, 1 where photographs failed in either, 130
    when interrupted.

    Args:
        sides: A and B.
        data: the data set, where there is a detector.
        out: the folder for both audits, ``a`` and ``b``, and the comparison.
        options: further keyword arguments of :func:`detcam.audits.audit.audit`; ``classes`` and ``min_score`` may be
            None for what both sides share.

    Raises:
        DataError: the two are not of the same data, classes and minimum score, or no photograph is done in both.
        InputError: the detectors share no class or no threshold.
    """
    output_folder(out)
    options = options | _shared(sides, data, options) if data is not None else options
    first, second = (_settings(side, data, options) for side in sides)
    check_alike(first, second, (sides[0].name, sides[1].name))
    audits = []
    for letter, side in zip(LETTERS, sides, strict=True):
        found = _audited(side, data, out / letter, options)
        if found is None:
            return 130
        audits.append(found)
    summary = compare(*audits)
    from detcam.views.audit.comparison_page import save_comparison

    with written_whole(out / NAME) as file:
        file.write(json.dumps(summary, indent=1, allow_nan=False).encode())
    figure = save_comparison(summary, out)
    print_comparison(summary, Console())
    print(f"{NAME} and {figure.name} are in {printable(str(out))}")
    return 1 if any(each.failed for each in audits) else 0


def _shared(sides: Sequence[Side], data: DataSet, options: dict[str, Any]) -> dict[str, Any]:
    """The classes and the minimum score, where the user leaves them open: a finished audit's, or what both share."""
    known = [_settings(side, data, options) for side in sides if side.detector is None]
    detectors = [side.detector for side in sides if side.detector is not None]
    classes, min_score = options["classes"], options["min_score"]
    if classes is None:
        words = [set(each["classes"]) for each in known] + [set(each.class_names.values()) for each in detectors]
        classes = [name for name in data.class_names if all(name in each for each in words)]
        if not classes:
            raise InputError(f"the annotations know {', '.join(data.class_names[:5]) or 'no class'}, and not both "
                             "detectors one of them: the same words are needed on all sides")
    if min_score is None:
        limits = {each["min_score"] for each in known} or {each.min_score for each in detectors}
        if len(limits) > 1:
            raise InputError(f"the detectors count boxes above {' and '.join(map(str, sorted(limits)))}: give one "
                             "--min-score for both")
        (min_score,) = limits
    return {"classes": classes, "min_score": min_score}


def _settings(side: Side, data: DataSet | None, options: dict[str, Any]) -> dict[str, Any]:
    """What the rows of a side's audit depend on."""
    if side.detector is None or data is None:
        return read_finished(Path(side.name)).settings
    own = {name: value for name, value in options.items() if name not in ("classes", "heatmaps", "batch")}
    found = settings_of(side.detector, data, options["classes"], own, options.get("heatmaps", True))
    return dict(json.loads(json.dumps(found)))


def _audited(side: Side, data: DataSet | None, folder: Path, options: dict[str, Any]) -> Finished | None:
    """A side's finished audit, run if need be; None where that was interrupted."""
    if side.detector is None or data is None:
        return read_finished(Path(side.name))
    words = f"{folder.name.upper()}: {side.name}"
    if is_audit(folder):
        try:
            found = read_finished(folder, side.name)
        except DataError:  # it goes on where it was left
            pass
        else:
            if found.settings == _settings(side, data, options) and set(found.photographs) == set(
                    names_of(data.photographs)):
                print(printable(f"{words}: done before"), file=sys.stderr)
                return found
    print(printable(words), file=sys.stderr)
    outcome = watched_audit(side.detector, data, folder, options)
    if outcome.interrupted:
        return None
    write_summary(outcome, folder)
    return read_finished(folder, side.name)
