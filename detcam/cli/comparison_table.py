"""A comparison as tables in the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from detcam.audits.json_numbers import Record
from detcam.cli.tables import estimate, table_of
from detcam.errors import printable
from detcam.verdicts.verdict import DETECTED


def print_comparison(summary: Record, console: Console) -> None:
    """Print what changed from A to B: first what it says in sentences, then the tables behind it."""
    for letter in ("a", "b"):
        console.print(Text(printable(side_words(summary, letter)), style="bold"))
    console.print(Text(head_words(summary), style="bold"))
    for finding in summary["findings"]:
        console.print(Text(f"• {finding['sentence']}"))
    if not summary["findings"]:
        console.print(Text(f"• No change stands out from chance ({summary['tests']} were tested together)."))
    console.print(Text(f"\n{moved_words(summary['moved'])}"))
    tables = (_found(summary), _errors(summary), _edges(summary), _attention(summary),
              _first(summary, "first_worse", "Became worse, look at these first: score and IoU"),
              _first(summary, "first_better", "Became better: score and IoU"))
    for table in tables:
        if table.row_count:
            console.print()
            console.print(table)
    if not summary.get("same_method", True):
        console.print(Text("\nThe heatmaps are of different methods or layers: attention is not compared."))


def side_words(summary: Record, letter: str) -> str:
    """Which of the two is what: ``"A: detcam-person-ssd (SSD, weights 0123456789abcdef)"``."""
    side = summary.get(letter)
    if side is None:
        return letter.upper()
    failed = f"; {side['failed']} photographs failed" if side["failed"] else ""
    return f"{letter.upper()}: {side['name']} ({side['architecture']}, weights {side['weights']}){failed}"


def head_words(summary: Record) -> str:
    """How many objects each found, in words."""
    found = summary["found"]
    return (f"{summary['photographs']} photographs, {summary['objects']} objects: {found['both']} found by both, "
            f"{found['only_a']} by A alone, {found['only_b']} by B alone, {found['neither']} by neither")


def moved_words(moved: Record) -> str:
    """What became better and worse, in words."""
    return (f"Better: {moved['better']} ({moved['newly_found']} found now, {moved['placed_better']} placed better); "
            f"worse: {moved['worse']} ({moved['newly_missed']} lost, {moved['placed_worse']} placed worse); "
            f"the same: {moved['same']}; exact sign test p = {moved['p_moved']:.2g}")


def _found(summary: Record) -> Table:
    table = table_of("Objects", "", "A", "B", "B - A")
    for words, name, form in (("share found", "recall", ".0%"), ("IoU where both found it", "iou", ".3f"),
                              ("score there", "score", ".3f")):
        _line(table, words, summary[name], form)
    return table


def _errors(summary: Record) -> Table:
    table = table_of("Errors a photograph", "type", "A", "B", "B - A")
    for each in summary["errors"]:
        if each["count_a"] or each["count_b"]:
            _line(table, f"{each['name']} {each['short_name']}", each, ".2f")
    return table


def _edges(summary: Record) -> Table:
    table = table_of("Edges where both found the object: mean error over the true width or height", "edge", "A", "B",
                     "B - A", "median, outward")
    for each in summary["edges"]:
        if each["change"]["value"] is not None:
            _line(table, each["edge"], each, ".1%", estimate(each["outward_change"], "+.1%"))
    return table


def _line(table: Table, words: str, pair: Record, form: str, *more: str) -> None:
    a, b = (pair[side]["value"] for side in ("a", "b"))
    if a is not None and b is not None:
        table.add_row(words, f"{a:{form}}", f"{b:{form}}", estimate(pair["change"], f"+{form}"), *more)


def _attention(summary: Record) -> Table:
    moved = summary["moved"]
    table = table_of("Attention, B - A: the rest, and the others beyond the rest of like size", "number",
                     f"rest ({moved['same']})", f"better ({moved['better']})", f"worse ({moved['worse']})")
    for each in summary["attention"]:
        rest = each["rest"]["value"]
        beyond = [estimate(each[f"{group}_minus_rest_size_adjusted"], "+.2f") for group in ("better", "worse")]
        table.add_row(each["number"].removeprefix("heat ").removeprefix("shortcut: "),
                      "-" if rest is None else f"{rest:+.2f}", *beyond)
    return table


def _first(summary: Record, name: str, title: str) -> Table:
    table = table_of(title, "photograph", "object", "in A", "in B")
    for each in summary[name]:
        table.add_row(Text(printable(each["photograph"])), str(each["true_object"]),
                      *(_became(each, letter) for letter in ("a", "b")))
    return table


def _became(line: Record, letter: str) -> str:
    """``"box 3: 0.81, IoU 0.74"``, or why it was missed."""
    if not line[f"found_{letter}"]:
        why = line[f"verdict_{letter}"]
        return f"missed: {'its box is off' if why == DETECTED else why or 'not known'}"
    return f"box {line[f'number_{letter}']}: {line[f'score_{letter}']:.2f}, IoU {line[f'iou_{letter}']:.2f}"
