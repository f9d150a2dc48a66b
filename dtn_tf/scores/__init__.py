"""What runs are worth: scores, results, tables and figures. Nothing here trains a DTN."""
