"""`python -m boundcalc`, for where the command is not on the path."""

from boundcalc.cli import main

main()
