"""Forms of the stage expression."""
