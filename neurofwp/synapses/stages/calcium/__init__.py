"""Forms of the stage calcium."""
