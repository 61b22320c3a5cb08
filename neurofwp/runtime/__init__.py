"""What long work needs: the one parallel map, what it keeps and under which hash, sweeps, progress, files, provenance."""
