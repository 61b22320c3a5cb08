"""Tasks whose events are tokens instead of images."""
