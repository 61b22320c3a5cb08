"""Published measurements, each with its provenance."""
