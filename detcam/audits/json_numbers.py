"""Numbers as JSON knows them."""

from typing import Any

import numpy as np
import pandas as pd

from detcam.stats.bootstrap import Estimate

Record = dict[str, Any]


def plain(value: Any) -> Any:
    """A number, a word, or None for what is missing; NumPy's kinds as Python's."""
    if value is None or value is pd.NA:
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def record(estimate: Estimate, n: int) -> Record:
    """An estimate that rests on ``n`` boxes: ``{"value", "low", "high", "n"}``."""
    return {name: plain(getattr(estimate, name)) for name in ("value", "low", "high")} | {"n": n}
