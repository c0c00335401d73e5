"""What a run shows and leaves: progress, history, result, table, pictures, and user errors in one line."""
