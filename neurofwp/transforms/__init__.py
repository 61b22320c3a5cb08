"""From one Program to another: other cells, other write gates, damaged keys."""
