"""Tests that need packages beyond `.[test]`: `make extras` installs them and runs these."""

import os
import sys
from pathlib import Path

# Elsewhere they are left alone; where they are asked for, a missing package fails.
collect_ignore_glob = [] if os.environ.get("BOUNDCALC_EXTRAS") else ["test_*.py"]

# the cases of the printed table are those of the tests
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
# damaged files are made as in the other tests of readers
sys.path.insert(0, str(Path(__file__).parents[1] / "logs"))
