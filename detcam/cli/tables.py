"""The summary of an audit, and the comparison of two, as tables in the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from detcam.audits.json_numbers import Record
from detcam.errors import printable
from detcam.verdicts.verdict import DETECTED


def print_summary(summary: Record, console: Console) -> None:
    """Print what an audit found: first what it says in sentences, then the tables behind it."""
    found, objects = summary["objects_found"], summary["objects"]
    console.print(Text(f"{summary['photographs']} photographs, {objects} objects: {found} found, "
                       f"{objects - found} not; {summary['detections']} detections", style="bold"))
    for finding in summary["findings"]:
        console.print(Text(f"• {finding['sentence']}"))
    if not summary["findings"]:
        console.print(Text(f"• {summary['no_finding_reason']}"))
    for table in (_types(summary), _edges(summary), _correlations(summary), _attention(summary),
                  _shortcuts(summary), _first(summary)):
        if table.row_count:
            console.print()
            console.print(table)
    if summary["missed_by_verdict"]:
        words = ", ".join(f"{count} {printable(why)}" for why, count in summary["missed_by_verdict"].items())
        console.print(Text(f"\nWhy objects were missed: {words}"))


def table_of(title: str, *columns: str) -> Table:
    """An empty table; the first column is words, the others numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0),
                  header_style="dim")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", overflow="fold")
    return table


def _types(summary: Record) -> Table:
    table = table_of("Errors", "", "type", "count", "what it means")
    table.columns[1].justify = table.columns[3].justify = "left"
    for name, each in summary["types"].items():
        if each["count"]:
            table.add_row(each["short_name"], name, str(each["count"]), each["description"])
    return table


def _edges(summary: Record) -> Table:
    table = table_of("Edges: median error over the true width or height (positive: outside the true box)", "edge",
                   "which way", "how far", "over 10 %", "worst of its box")
    for each in summary["edges"]:
        if each["outward"]["value"] is not None:
            table.add_row(each["edge"], estimate(each["outward"], "+.1%"), estimate(each["distance"], ".1%"),
                          estimate(each["misplaced"], ".0%"), estimate(each["worst_of_misplaced"], ".0%"))
    return table


def _correlations(summary: Record) -> Table:
    table = table_of("What goes with the localization error: rank correlation", "number", "against", "rho",
                   "boxes of like size", "worst edge named")
    for each in summary["correlations"]:
        named = each.get("worst_edge_named")
        table.add_row(Text(each["number"], style="italic" if each["baseline"] else ""), each["against"],
                      estimate(each["rho"], ".2f"), estimate(each["size_adjusted"], ".2f"),
                      "" if named is None else estimate(named, ".0%"))
    return table


def _attention(summary: Record) -> Table:
    """The types whose heat lies elsewhere than that of correct boxes of like size; all of them are in the JSON."""
    table = table_of("Attention by type of error, where it differs from that of correct boxes: mean share of the heat",
                     "heat", "type", "mean", "correct boxes", "effect among boxes of like size")
    table.columns[1].justify = "left"
    correct = {each["number"]: each["mean"] for each in summary["attention"] if "effect" not in each}
    for each in summary["attention"]:
        matched = each.get("effect_size_adjusted")
        if matched is not None and matched["value"] is not None and (matched["low"] > 0 or matched["high"] < 0):
            table.add_row(each["number"].removeprefix("heat "), each["type"], estimate(each["mean"], ".2f"),
                          estimate(correct[each["number"]], ".2f"), estimate(matched, "+.2f"))
    return table


def _shortcuts(summary: Record) -> Table:
    """What hiding took, where it was tried."""
    table = table_of("Shortcuts: share of the score that hiding the region takes beyond its controls", "pattern",
                     "effect", "named beyond", "boxes")
    for each in summary["shortcuts"]:
        if each["rests_on"] == "intervention":
            name = each["name"] + (f", {each['where']}" if each["where"] else "")
            table.add_row(Text(name, style="bold" if each["named"] else ""), estimate(each["effect"], ".0%"),
                          f"{each['limit']:.0%}", str(each["effect"]["n"]))
    return table


def _first(summary: Record) -> Table:
    table = table_of("Look at these first: sure and wrong", "photograph", "box", "type", "score", "IoU")
    for each in summary["first_to_inspect"]:
        iou = "" if each["iou"] is None else f"{each['iou']:.2f}"
        table.add_row(Text(printable(each["photograph"])), str(each["number"]), each["type"], f"{each['score']:.2f}",
                      iou)
    return table


def estimate(record: Record, form: str) -> str:
    """``"0.57 [0.47, 0.67]"``, or ``-`` where there is none."""
    if record["value"] is None:
        return "-"
    return f"{record['value']:{form}} [{record['low']:{form}}, {record['high']:{form}}]"


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
    tables = (_found(summary), _compared_errors(summary), _compared_edges(summary), _compared_attention(summary),
              _moved_most(summary, "first_worse", "Became worse, look at these first: score and IoU"),
              _moved_most(summary, "first_better", "Became better: score and IoU"))
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


def _compared_errors(summary: Record) -> Table:
    table = table_of("Errors a photograph", "type", "A", "B", "B - A")
    for each in summary["errors"]:
        if each["count_a"] or each["count_b"]:
            _line(table, f"{each['name']} {each['short_name']}", each, ".2f")
    return table


def _compared_edges(summary: Record) -> Table:
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


def _compared_attention(summary: Record) -> Table:
    moved = summary["moved"]
    table = table_of("Attention, B - A: the rest, and the others beyond the rest of like size", "number",
                     f"rest ({moved['same']})", f"better ({moved['better']})", f"worse ({moved['worse']})")
    for each in summary["attention"]:
        rest = each["rest"]["value"]
        beyond = [estimate(each[f"{group}_minus_rest_size_adjusted"], "+.2f") for group in ("better", "worse")]
        table.add_row(each["number"].removeprefix("heat ").removeprefix("shortcut: "),
                      "-" if rest is None else f"{rest:+.2f}", *beyond)
    return table


def _moved_most(summary: Record, name: str, title: str) -> Table:
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
