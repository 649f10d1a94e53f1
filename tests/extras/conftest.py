"""Tests that need packages beyond `.[test]`: `make extras` installs them and runs these."""

import os

# Elsewhere they are left alone; where they are asked for, a missing package fails.
collect_ignore_glob = [] if os.environ.get("BOUNDCALC_EXTRAS") else ["test_*.py"]
