"""The symbolic layer: one small TOML file per condition and per theorem."""
