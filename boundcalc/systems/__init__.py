"""Systems of formulas around a start, as `boundcalc tangent CASE.toml` asks about them."""
