"""One TOML file with everything a live day needs: what its keys are, and what is read from it."""
