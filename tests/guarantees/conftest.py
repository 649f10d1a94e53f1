import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # made_logs.py is shared by these tests
sys.path.insert(0, str(Path(__file__).parent.parent / "fit"))  # and so is exact_reference.py
