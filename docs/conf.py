"""Sphinx configuration: `sphinx-build -W docs build/docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the generator of the gallery is an extension

project = "boundcalc"
author = "the boundcalc developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "gallery"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_theme = "alabaster"
html_title = "boundcalc"
autodoc_typehints = "description"
exclude_patterns = ["README.md"]
