"""Writing and reading the files in a run's folder."""
