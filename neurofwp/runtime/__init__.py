"""What long work needs: parallel processes, parts that are kept, progress, files and provenance."""
