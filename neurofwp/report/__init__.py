"""Reports: one HTML file for a run or a sweep, which needs no network and nothing beside it."""
