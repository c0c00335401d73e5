"""Runs what the paper's tables and figures are made of, and gathers what came out in results/."""
