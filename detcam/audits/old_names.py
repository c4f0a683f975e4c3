"""Names that columns of an audit's table had in earlier versions: tables and journals of those still load."""

from collections.abc import Sequence

RENAMED = {
    "excused": "counted_elsewhere",
    "why": "verdict", "why_value": "verdict_value", "why_limit": "verdict_limit", "winner": "rival",
    "hide_corners_loss": "occlusion_corners_loss", "hide_corners_control_loss": "occlusion_corners_control_loss",
    "hide_context_loss": "occlusion_context_loss", "hide_context_control_loss": "occlusion_context_control_loss",
    "hide_spread_loss": "occlusion_spread_loss", "hide_spread_control_loss": "occlusion_spread_control_loss",
    "hide_left_or_right_loss": "occlusion_left_or_right_loss",
    "hide_left_or_right_control_loss": "occlusion_left_or_right_control_loss",
    "hide_top_or_bottom_loss": "occlusion_top_or_bottom_loss",
    "hide_top_or_bottom_control_loss": "occlusion_top_or_bottom_control_loss",
    "hide_edge": "occlusion_edge", "hide_edge_moved": "occlusion_edge_moved",
    "hide_edge_control_moved": "occlusion_edge_control_moved",
}
"""Name in version 1 to name in version 2. The order of the columns and the values in them are the same."""


def current_columns(names: Sequence[str]) -> list[str]:
    """Column names of any version as this version calls them, in the same order."""
    return [RENAMED.get(name, name) for name in names]
