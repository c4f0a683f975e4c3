"""What a drawn page says, and where its heat lies."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]


def said(figure: Figure) -> str:
    return " ".join(texts(figure))


def rendered(figure: Figure) -> np.ndarray:
    """The figure's pixels, ``[H, W, 3]``, row 0 at the top."""
    assert isinstance(figure.canvas, FigureCanvasAgg)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def source_of_hottest(figure: Figure, axes: Axes) -> tuple[float, float]:
    """Source position of the middle of the most colourful drawn pixels of one picture."""
    canvas = rendered(figure)
    window = axes.get_window_extent()
    colourful = np.ptp(canvas, axis=-1)
    mask = np.zeros(colourful.shape, bool)
    top, bottom = canvas.shape[0] - int(window.y1), canvas.shape[0] - int(window.y0)
    mask[top + 1:bottom - 1, int(window.x0) + 1:int(window.x1) - 1] = True
    rows, columns = np.nonzero(mask & (colourful > 0.9 * colourful[mask].max()))
    middle = columns.mean() + 0.5, canvas.shape[0] - (rows.mean() + 0.5)
    x, y = axes.transData.inverted().transform(middle)
    return float(x), float(y)
