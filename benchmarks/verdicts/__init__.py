"""How often verdicts are right: on rules of the library, on truths outside it, and on intervals of parameters."""
