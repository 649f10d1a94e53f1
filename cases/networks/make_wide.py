"""Make the data of iris-wide-3: one flower of each species, far apart.

    python cases/networks/make_wide.py     (needs scikit-learn)

Inputs are the four lengths in millimetres, less (58, 31, 38, 12), over (8, 4, 16, 8): close to
standard scores, and exact in float64.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

iris = load_iris()
chosen = [0, 50, 100]
x = (np.rint(10 * iris.data[chosen]) - np.array([58, 31, 38, 12])) / np.array([8, 4, 16, 8])
y = iris.target[chosen, None] - 1.0
np.savez(Path(__file__).parent / "iris-wide-3-data.npz", x=x, y=y)
