"""Makes the runs that the paper's tables and figures need, and collects their outcomes in results/."""
