"""What a run shows and leaves: progress, history, result, table, pictures, and mistakes told in one line."""
