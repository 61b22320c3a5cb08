"""The stages of a synapse; every file holds the forms of one stage, or one form of it."""
