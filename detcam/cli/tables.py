"""The summary of an audit as tables in the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from detcam.errors import printable

Record = dict[str, Any]


def print_summary(summary: Record, console: Console) -> None:
    """Print what an audit found: first what it says in sentences, then the tables behind it."""
    found, objects = summary["objects_found"], summary["objects"]
    console.print(Text(f"{summary['photographs']} photographs, {objects} objects: {found} found, "
                       f"{objects - found} not; {summary['detections']} detections", style="bold"))
    for finding in summary["findings"]:
        console.print(Text(f"• {finding['sentence']}"))
    if not summary["findings"]:
        console.print(Text(f"• {summary['silence']}"))
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
