import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # drawn_logs.py is shared by these tests
