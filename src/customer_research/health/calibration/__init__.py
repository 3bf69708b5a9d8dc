"""Calibrating a scorecard on real churn: the panel, its checks, the fit, how sure it is, and when to refuse.

Pure numerics and rules over numpy and scipy; nothing here reads a lake, a store or a clock. Import it where it is used: it
loads numpy and scipy with one thread each, for on few processors the default number makes problems of this size ten times
slower. (A program that has loaded numpy before keeps the number it chose.)
"""

from __future__ import annotations

import os

_THREADS = "OMP_NUM_THREADS"


def _load_with_one_thread() -> None:
    """Load the numerical libraries while the environment asks for one thread; the environment is then as it was."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        import numpy as np  # noqa: PLC0415 - the point of this function
        import scipy.optimize  # noqa: PLC0415

        _ = (np, scipy.optimize)
    except ModuleNotFoundError as error:
        from customer_research.errors import ExtraMissing  # noqa: PLC0415 - only then

        raise ExtraMissing(f"Calibration needs {error.name}", "calibration") from None
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


_load_with_one_thread()
