"""Files that are wrong in every way that can be thought of, given to all that reads files.

`python -m benchmarks.fuzz READER --seconds 600 --seed 0`: a reader of files, or of command lines, takes each of them or
refuses it with an InputError. Anything else that it raises, a wait of more than ten seconds and a crash count as found:
they are printed, and the files that caused them are left in --keep. Every change has a seed of its own.
"""
