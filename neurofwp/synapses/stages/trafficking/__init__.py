"""Forms of the stage trafficking."""
