"""What long work needs: the one parallel map and what it keeps, sweeps, progress, files, provenance."""
