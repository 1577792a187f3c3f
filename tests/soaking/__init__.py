"""The long runs of `tests/soak`."""
