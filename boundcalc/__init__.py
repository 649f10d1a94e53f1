"""boundcalc: which convergence theorems apply to your loss landscape, and what their bounds say."""

from boundcalc.errors import Fault, InputError

__version__ = "0.1.0"

__all__ = ["Fault", "InputError", "__version__"]
