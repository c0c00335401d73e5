"""All that knows a run's folder, writing and reading."""
