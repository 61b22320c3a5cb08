"""Forms of the stage nmda."""
