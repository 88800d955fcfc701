"""The parts of the benchmark: each has a TITLE, its NOTES, its PACKAGES, and `measure`."""
