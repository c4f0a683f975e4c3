"""A signal that Python swallows still stops a run."""

import signal

import pytest

from detcam.interruption import interruptible, stop_if_asked


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_inside_a_destructor_is_not_forgotten(number: signal.Signals) -> None:
    class Deaf:
        def __del__(self) -> None:
            signal.raise_signal(number)

    before = signal.getsignal(number)
    with interruptible():
        stop_if_asked()
        deaf = Deaf()
        del deaf
        with pytest.raises(KeyboardInterrupt):
            stop_if_asked()
    stop_if_asked()  # the next run begins anew
    assert signal.getsignal(number) is before


def test_elsewhere_a_signal_is_an_interrupt_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGTERM)
