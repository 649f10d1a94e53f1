import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # exact_reference.py is shared by these tests
