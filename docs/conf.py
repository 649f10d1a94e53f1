"""Sphinx configuration: `sphinx-build -W docs build/docs`."""

project = "boundcalc"
author = "the boundcalc developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
html_theme = "alabaster"
html_title = "boundcalc"
autodoc_typehints = "description"
exclude_patterns = ["README.md"]
